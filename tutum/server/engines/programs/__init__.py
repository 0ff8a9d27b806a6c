"""The programs that the process engine has in the place of images: each module is one, run as a script."""
