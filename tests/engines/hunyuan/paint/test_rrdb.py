import torch

from orfeas.engines.hunyuan.paint.rrdb import RrdbConfig, RrdbNet, read_rrdb_config
from tests.engines.hunyuan.paint.networks import fill


def test_its_configuration_is_read_from_its_shapes() -> None:
    for config in (RrdbConfig(), RrdbConfig(8, 4, 2)):
        with torch.device("meta"):
            shapes = {name: tuple(tensor.shape) for name, tensor in RrdbNet(config).state_dict().items()}
        assert read_rrdb_config(shapes.items()) == config
    assert read_rrdb_config([("conv.weight", (1, 1))]) is None


def test_a_picture_has_four_times_the_side() -> None:
    network = RrdbNet(RrdbConfig(4, 2, 1))
    fill(network)
    assert network(torch.rand(2, 3, 5, 7)).shape == (2, 3, 20, 28)
