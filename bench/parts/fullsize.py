"""The presets' pipelines with random weights, at full size on a GPU and tiny without one; no text encoders.

The time of a clip does not depend on the weights' values. What diffusers keeps in float32 when it loads, is float32 here.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from engine.renderers.diffusion.machine import Machine, import_torch
from engine.renderers.diffusion.presets import TinyWeights
from engine.renderers.diffusion.tiny import make_tiny, place_tiny


@contextmanager
def drawn_on(machine: Machine, dtype: str = "") -> Iterator[None]:
    """Models that are made inside have random weights on the device, in the machine's type."""
    torch = import_torch()
    before = torch.get_default_dtype()
    torch.set_default_dtype(getattr(torch, dtype or machine.dtype))
    try:
        with torch.device(machine.device):
            yield
    finally:
        torch.set_default_dtype(before)


def wan_denoiser(machine: Machine, *, full: bool, channels: tuple[int, int], wide: bool = False) -> Any:
    """`wide` is the 14B model, else 5B."""
    from diffusers import WanTransformer3DModel

    heads, head, text, feed, layers = (24, 128, 4096, 14336, 30) if full else (2, 12, 32, 32, 2)
    if full and wide:
        heads, feed, layers = 40, 13824, 40
    with drawn_on(machine):
        denoiser = WanTransformer3DModel(
            num_attention_heads=heads, attention_head_dim=head, in_channels=channels[0], out_channels=channels[1],
            text_dim=text, ffn_dim=feed, num_layers=layers, cross_attn_norm=True, qk_norm="rms_norm_across_heads",
        )  # fmt: skip
    return as_loaded(denoiser)


def wan_vae(machine: Machine, *, full: bool, dtype: str = "") -> Any:
    """That of the 5B model."""
    from diffusers import AutoencoderKLWan

    base, decoder, multiples, blocks = (160, 256, [1, 2, 4, 4], 2) if full else (8, 8, [1, 1, 1, 1], 1)
    with drawn_on(machine, dtype):
        return AutoencoderKLWan(
            base_dim=base, decoder_base_dim=decoder, z_dim=48, in_channels=12, out_channels=12, is_residual=True,
            patch_size=2, dim_mult=multiples, num_res_blocks=blocks, latents_mean=[0.0] * 48, latents_std=[1.0] * 48,
            scale_factor_spatial=16, scale_factor_temporal=4, temperal_downsample=[False, True, True],
        ).requires_grad_(False)  # fmt: skip


def wan_21_vae(machine: Machine, *, full: bool, dtype: str = "") -> Any:
    """That of the 14B model."""
    from diffusers import AutoencoderKLWan

    sizes: dict[str, Any] = {} if full else {"base_dim": 8, "dim_mult": [1, 1, 1, 1], "num_res_blocks": 1}
    with drawn_on(machine, dtype):
        return AutoencoderKLWan(temperal_downsample=[False, True, True], **sizes).requires_grad_(False)


def tiny_decoder(weights: TinyWeights, machine: Machine) -> Any:
    """It has one size only."""
    return place_tiny(make_tiny(weights).to(getattr(import_torch(), machine.dtype)), machine)


def wan_pipeline(machine: Machine, *, full: bool, quality: bool) -> Any:
    """FastWan 5B, or the two experts of 14B."""
    from diffusers import UniPCMultistepScheduler, WanImageToVideoPipeline

    channels = (36, 16) if quality else (48, 48)
    denoisers = [
        wan_denoiser(machine, full=full, channels=channels, wide=quality) for _ in range(1 + quality)
    ]
    pipe = WanImageToVideoPipeline(
        tokenizer=None,
        text_encoder=None,
        vae=(wan_21_vae if quality else wan_vae)(machine, full=full),
        transformer=denoisers[0],
        transformer_2=denoisers[1] if quality else None,
        boundary_ratio=0.9 if quality else None,
        scheduler=UniPCMultistepScheduler(
            prediction_type="flow_prediction", use_flow_sigmas=True, flow_shift=5.0
        ),
        expand_timesteps=not quality,
    )
    pipe.set_progress_bar_config(disable=True)
    return pipe


def ltx_pipeline(machine: Machine, *, full: bool) -> tuple[Any, Any]:
    """LTX-2.5 and its latent upsampler."""
    from diffusers import (
        AutoencoderKLLTX2Audio,
        AutoencoderKLLTX2Video,
        FlowMatchEulerDiscreteScheduler,
        LTX2ConditionPipeline,
        LTX2VideoTransformer3DModel,
    )
    from diffusers.pipelines.ltx2 import LTX2TextConnectors
    from diffusers.pipelines.ltx2.latent_upsampler import LTX2LatentUpsamplerModel
    from diffusers.pipelines.ltx2.vocoder import LTX2Vocoder

    latent, mel, audio = (128, 64, 8) if full else (8, 16, 2)
    hidden, layers = (3840, 48) if full else (32, 2)
    heads, head, ear, registers = (32, 128, 64, 128) if full else (2, 16, 8, 8)
    blocks = (4, 6, 4, 2, 2) if full else (1,) * 5
    with drawn_on(machine):
        denoiser = LTX2VideoTransformer3DModel(
            in_channels=latent, out_channels=latent, num_attention_heads=heads, attention_head_dim=head, patch_size=1, patch_size_t=1,
            cross_attention_dim=heads * head, gated_attn=True, cross_attn_mod=True, audio_in_channels=audio * mel // 4,
            audio_out_channels=audio * mel // 4, audio_num_attention_heads=heads, audio_attention_head_dim=ear,
            audio_cross_attention_dim=heads * ear, audio_gated_attn=True, audio_cross_attn_mod=True, num_layers=layers,
            caption_channels=hidden, rope_type="split", use_prompt_embeddings=False, perturbed_attn=True, ff_bias=False,
            use_keyframes_abs_pos_embedding=True,
        )  # fmt: skip
        connectors = LTX2TextConnectors(
            caption_channels=hidden, text_proj_in_factor=layers + 1, video_connector_num_attention_heads=heads,
            video_connector_attention_head_dim=head, video_connector_num_layers=8 if full else 1,
            video_connector_num_learnable_registers=registers, video_gated_attn=True, audio_connector_num_attention_heads=heads,
            audio_connector_attention_head_dim=ear, audio_connector_num_layers=8 if full else 1,
            audio_connector_num_learnable_registers=registers, audio_gated_attn=True, rope_type="split",
            per_modality_projections=True, video_hidden_dim=heads * head, audio_hidden_dim=heads * ear, proj_bias=True,
        )  # fmt: skip
        vae = AutoencoderKLLTX2Video(
            latent_channels=latent, block_out_channels=(256, 512, 1024, 1024) if full else (8, 16, 16, 16),
            decoder_block_out_channels=(256, 512, 512, 1024) if full else (8, 16, 16, 16), layers_per_block=blocks,
            decoder_layers_per_block=blocks, spatio_temporal_scaling=(True,) * 4, decoder_spatio_temporal_scaling=(True,) * 4,
            decoder_inject_noise=(False,) * 5, downsample_type=("spatial", "temporal", "spatiotemporal", "spatiotemporal"),
            upsample_type=("spatiotemporal", "spatiotemporal", "temporal", "spatial"), upsample_residual=(False,) * 4,
            upsample_factor=(2, 2, 1, 2), patch_size=4, patch_size_t=1, encoder_causal=True, decoder_causal=False,
            encoder_spatial_padding_mode="zeros", decoder_spatial_padding_mode="zeros", spatial_compression_ratio=32,
            temporal_compression_ratio=8,
        )  # fmt: skip
        sound = AutoencoderKLLTX2Audio(
            base_channels=128 if full else 8, ch_mult=(1, 2, 4) if full else (1, 1, 1), num_res_blocks=2 if full else 1,
            latent_channels=audio, mel_bins=mel, double_z=True,
        )  # fmt: skip
        vocoder = LTX2Vocoder(in_channels=2 * mel, hidden_channels=1024 if full else 32)
    upsampler = (
        LTX2LatentUpsamplerModel(  # it asks its first tensor for values, which a device context forbids
            in_channels=latent, mid_channels=1024 if full else 32, num_blocks_per_stage=4 if full else 1
        ).to(machine.device, getattr(import_torch(), machine.dtype))
    )
    pipe = LTX2ConditionPipeline(
        scheduler=FlowMatchEulerDiscreteScheduler(use_dynamic_shifting=False, shift_terminal=None),
        vae=vae,
        audio_vae=sound,
        text_encoder=None,
        tokenizer=None,
        connectors=connectors,
        transformer=as_loaded(denoiser),
        vocoder=vocoder,
    )
    for part in (pipe.vae, sound, connectors, vocoder, upsampler):
        part.requires_grad_(False)
    pipe.set_progress_bar_config(disable=True)
    return pipe, upsampler


def as_loaded(model: Any) -> Any:
    """In float32 what `from_pretrained` would keep in float32."""
    kept = set(model._keep_in_fp32_modules or ())  # noqa: SLF001  # there is no other place that says it
    for name, tensor in [*model.named_parameters(), *model.named_buffers()]:
        if kept & set(name.split(".")):
            tensor.data = tensor.data.float()
    return model.requires_grad_(False).eval()


def wan_text(pipe: Any, machine: Machine) -> dict[str, Any]:
    """An encoded caption of the usual length; what it says does not change the time."""
    torch = import_torch()
    width, dtype = pipe.transformer.config.text_dim, getattr(torch, machine.dtype)
    return {"prompt_embeds": torch.randn(1, 512, width, device=machine.device, dtype=dtype)}


def ltx_text(pipe: Any, machine: Machine, *, full: bool) -> dict[str, Any]:
    torch = import_torch()
    tokens, width = (1024, 3840 * 49) if full else (64, 32 * 3)
    del pipe
    embeds = torch.randn(1, tokens, width, device=machine.device, dtype=getattr(torch, machine.dtype)) * 0.1
    mask = torch.ones(1, tokens, device=machine.device, dtype=torch.long)
    return {"prompt_embeds": embeds, "prompt_attention_mask": mask}
