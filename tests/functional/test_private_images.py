"""Images, as the real service keeps them."""
import pytest

import tutum


def test_a_private_image_is_added_changed_and_removed(real):
    image = tutum.Image.create(name="registry.example.net/acme/shop", username="ann",
                               password="s3cret", description="A shop")
    assert image.save() is True
    try:
        assert image.is_private_image is True and not hasattr(image, "password")
        image.description = "Another shop"
        assert image.save() is True
        again = tutum.Image.fetch("registry.example.net/acme/shop")
        assert again == image and again.description == "Another shop"
        assert image in tutum.Image.list(is_private_image=True)
    finally:
        assert image.delete() is True
    with pytest.raises(tutum.TutumNotFoundError):
        image.refresh()
