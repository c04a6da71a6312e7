import pytest
import torch
from transformers import Dinov2Config, Dinov2Model

from orfeas.engines.hunyuan.conditioner import Conditioner
from orfeas.engines.hunyuan.config import EncoderConfig
from tests.engines.hunyuan.recipe import recipe_weight

RENAMED = {
    "attention.attention.query": "attention.q_proj",
    "attention.attention.key": "attention.k_proj",
    "attention.attention.value": "attention.v_proj",
    "attention.output.dense": "attention.o_proj",
    "mlp.weights_out": "mlp.down_proj",
}


def make(config: EncoderConfig) -> Conditioner:
    conditioner = Conditioner(config).requires_grad_(False)
    for name, parameter in conditioner.named_parameters():
        parameter.copy_(recipe_weight(name, parameter.shape))
    return conditioner


def in_version_5(name: str) -> str:
    for old, new in RENAMED.items():
        name = name.replace(old, new)
    return name


@pytest.mark.parametrize("qkv_bias", [True, False])
@pytest.mark.parametrize("epsilon", [1e-6, 1e-2])
def test_the_encoder_equals_the_one_of_transformers(qkv_bias: bool, epsilon: float) -> None:
    config = EncoderConfig(48, 2, 3, 3.0, image_size=56, layer_norm_eps=epsilon, qkv_bias=qkv_bias)
    encoder = make(config).main_image_encoder
    theirs = Dinov2Model(
        Dinov2Config(
            hidden_size=48,
            num_hidden_layers=2,
            num_attention_heads=3,
            mlp_ratio=3,
            image_size=56,
            patch_size=14,
            layer_norm_eps=epsilon,
            qkv_bias=qkv_bias,
        )
    )
    theirs.train(False)
    theirs.load_state_dict({in_version_5(name): tensor for name, tensor in encoder.model.state_dict().items()})
    x = torch.randn(2, 3, 56, 56, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        assert torch.allclose(encoder.model(x), theirs(x).last_hidden_state, atol=1e-5)


@pytest.mark.parametrize("image_size", [56, 84])
def test_the_gated_encoder_equals_the_one_of_transformers_at_its_own_size_and_at_another(image_size: int) -> None:
    config = EncoderConfig(48, 2, 3, 4.0, image_size=84, use_swiglu_ffn=True)
    encoder = make(config).main_image_encoder
    theirs = Dinov2Model(
        Dinov2Config(
            hidden_size=48,
            num_hidden_layers=2,
            num_attention_heads=3,
            mlp_ratio=4,
            image_size=84,
            patch_size=14,
            use_swiglu_ffn=True,
        )
    )
    theirs.train(False)
    state = {in_version_5(name): tensor for name, tensor in encoder.model.state_dict().items()}
    for name in [name for name in state if ".mlp.weights_in." in name]:
        gate, value = state.pop(name).chunk(2)
        state |= {name.replace("weights_in", "gate_proj"): gate, name.replace("weights_in", "up_proj"): value}
    theirs.load_state_dict(state)
    x = torch.randn(2, 3, image_size, image_size, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        assert torch.allclose(encoder.model(x), theirs(x).last_hidden_state, atol=1e-5)


def test_the_class_token_can_be_left_out() -> None:
    image = torch.rand(1, 3, 56, 56, generator=torch.Generator().manual_seed(0)) * 2 - 1
    whole = EncoderConfig(48, 1, 3, image_size=56)
    bare = EncoderConfig(48, 1, 3, image_size=56, use_cls_token=False)
    tokens = make(bare)(image)
    assert tokens.shape[1] == bare.num_tokens == whole.num_tokens - 1
    assert torch.equal(tokens, make(whole)(image)[:, 1:])
