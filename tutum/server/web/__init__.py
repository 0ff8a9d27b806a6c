"""The service over HTTP: resources that know the records and nothing of engines."""
