"""The parts of the library, from the transport (`http`) to the resources."""
