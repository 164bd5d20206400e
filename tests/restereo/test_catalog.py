import pytest

from restereo import catalog
from restereo.errors import UserError


@pytest.mark.parametrize("kind", catalog.FOLDERS)
def test_every_entry_can_be_built_by_name(kind):
    assert catalog.names(kind)
    for name in catalog.names(kind):
        assert callable(catalog.load(kind, name).build)


def test_an_unknown_name_gets_the_nearest():
    with pytest.raises(UserError, match=r"unknown model 'unett': did you mean 'unet'\?"):
        catalog.load("model", "unett")


def test_an_unknown_option_gets_the_nearest():
    with pytest.raises(UserError, match=r"model 'unet' has no option 'sise': did you mean 'size'\?"):
        catalog.build("model", "unet", 6, 6, sise="tiny")
