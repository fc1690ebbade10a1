"""Tiny image-to-video pipelines with random weights, built offline and saved as diffusers folders.

Every part has the class and the layout of the real one, and a few thousand parameters. Built at test time, in a temporary
folder; nothing of it is committed.
"""

import string
from pathlib import Path

import torch

WORDS = [
    "a",
    "the",
    "of",
    "in",
    "on",
    "with",
    "slowly",
    "softly",
    "snow",
    "rain",
    "cloud",
    "camera",
    "pushes",
    "in",
    "photo",
    "scene",
    "comes",
    "alive",
    "motion",
    "natural",
]


def t5_tokenizer():
    """Unigram, as UMT5's: padding, end and unknown first."""
    from transformers import T5Tokenizer

    pieces = ["▁", *(f"▁{word}" for word in WORDS), *string.ascii_letters, *string.digits, *".,;:!?'\"-()"]
    vocabulary = [("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0)]
    vocabulary += [(piece, -2.0 - 0.01 * number) for number, piece in enumerate(dict.fromkeys(pieces))]
    vocabulary += [(f"<extra_id_{number}>", 0.0) for number in range(7, -1, -1)]
    return T5Tokenizer(vocab=vocabulary, extra_ids=8, model_max_length=512)


def umt5(vocabulary):
    from transformers import UMT5Config, UMT5EncoderModel

    config = UMT5Config(
        vocab_size=vocabulary, d_model=32, d_kv=8, d_ff=37, num_layers=2, num_heads=4,
        feed_forward_proj="gated-gelu", relative_attention_num_buckets=8,
    )  # fmt: skip
    return UMT5EncoderModel(config).eval()


def wan_denoiser(channels_in, channels_out):
    from diffusers import WanTransformer3DModel

    return WanTransformer3DModel(
        patch_size=(1, 2, 2), num_attention_heads=2, attention_head_dim=12, in_channels=channels_in,
        out_channels=channels_out, text_dim=32, freq_dim=64, ffn_dim=32, num_layers=2, cross_attn_norm=True,
        qk_norm="rms_norm_across_heads", rope_max_seq_len=64,
    )  # fmt: skip


def build_wan_5b(folder: Path) -> None:
    """As the repository of Wan 2.2 5B: saved by a text-to-video pipeline, which its index then names."""
    from diffusers import AutoencoderKLWan, UniPCMultistepScheduler, WanPipeline

    torch.manual_seed(0)
    tokenizer = t5_tokenizer()
    vae = AutoencoderKLWan(
        base_dim=8, decoder_base_dim=8, z_dim=48, in_channels=12, out_channels=12, is_residual=True, patch_size=2,
        latents_mean=[0.1] * 48, latents_std=[0.9] * 48, dim_mult=[1, 1, 1, 1], num_res_blocks=1,
        scale_factor_spatial=16, scale_factor_temporal=4, temperal_downsample=[False, True, True],
    )  # fmt: skip
    WanPipeline(
        tokenizer=tokenizer,
        text_encoder=umt5(len(tokenizer)),
        vae=vae,
        scheduler=UniPCMultistepScheduler(
            prediction_type="flow_prediction", use_flow_sigmas=True, flow_shift=5.0
        ),
        transformer=wan_denoiser(48, 48),
        expand_timesteps=True,
    ).save_pretrained(folder)


def build_wan_14b(folder: Path) -> None:
    """Two experts and the older autoencoder, with a LoRA for each under `loras`."""
    from diffusers import AutoencoderKLWan, UniPCMultistepScheduler, WanImageToVideoPipeline

    torch.manual_seed(0)
    tokenizer = t5_tokenizer()
    vae = AutoencoderKLWan(
        base_dim=8, z_dim=16, dim_mult=[1, 1, 1, 1], num_res_blocks=1, temperal_downsample=[False, True, True]
    )
    WanImageToVideoPipeline(
        tokenizer=tokenizer,
        text_encoder=umt5(len(tokenizer)),
        vae=vae,
        scheduler=UniPCMultistepScheduler(
            prediction_type="flow_prediction", use_flow_sigmas=True, flow_shift=3.0
        ),
        transformer=wan_denoiser(36, 16),
        transformer_2=wan_denoiser(36, 16),
        boundary_ratio=0.9,
    ).save_pretrained(folder)


def build_loras(folder: Path, names: list[str]) -> None:
    """Rank 2, for the queries of the first block, under the names that diffusers writes."""
    from safetensors.torch import save_file

    folder.mkdir()
    for seed, name in enumerate(names, start=1):
        generator = torch.Generator().manual_seed(seed)
        module = "transformer.blocks.0.attn1.to_q"
        save_file(
            {
                f"{module}.lora_A.weight": torch.randn(2, 24, generator=generator),
                f"{module}.lora_B.weight": torch.randn(24, 2, generator=generator),
            },
            str(folder / name),
        )


def build_tiny_decoder(folder: Path, weights) -> None:
    """TAEHV has one size only."""
    from safetensors.torch import save_file

    from engine.renderers.diffusion.tiny import make_tiny

    torch.manual_seed(0)
    folder.mkdir(exist_ok=True)
    save_file(make_tiny(weights).state_dict(), str(folder / weights.file))


def gemma_tokenizer():
    """Byte fallback and no merges; padded on the left."""
    from transformers import GemmaTokenizer

    tokens = ["<pad>", "<eos>", "<bos>", "<unk>", "<mask>", *(f"<0x{byte:02X}>" for byte in range(256))]
    tokens += ["▁", *string.ascii_letters, *string.digits, *".,;:!?'\"-()"]
    vocabulary = {token: number for number, token in enumerate(dict.fromkeys(tokens))}
    tokenizer = GemmaTokenizer(vocab=vocabulary, merges=[], model_max_length=1024)
    tokenizer.padding_side = "left"
    return tokenizer


def gemma(vocabulary):
    from transformers import Gemma4UnifiedConfig, Gemma4UnifiedForConditionalGeneration

    text = {
        "vocab_size": vocabulary, "hidden_size": 32, "intermediate_size": 37, "num_hidden_layers": 6,
        "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 8, "global_head_dim": 16,
        "max_position_embeddings": 1024, "sliding_window": 512,
    }  # fmt: skip
    special = [
        "image_token_id",
        "video_token_id",
        "audio_token_id",
        "boi_token_id",
        "eoi_token_id",
        "boa_token_id",
        "eoa_token_index",
    ]
    config = Gemma4UnifiedConfig(
        text_config=text,
        vision_config=None,
        audio_config=None,
        **{name: vocabulary - number for number, name in enumerate(special, start=1)},
    )
    return Gemma4UnifiedForConditionalGeneration(config).eval()


def build_ltx(folder: Path) -> None:
    """LTX-2.5's flags with tiny sizes: video and audio denoiser, connectors, vocoder, latent upsampler."""
    from diffusers import FlowMatchEulerDiscreteScheduler, LTX2Pipeline
    from diffusers.pipelines.ltx2 import LTX2DurationHead
    from diffusers.pipelines.ltx2.latent_upsampler import LTX2LatentUpsamplerModel

    torch.manual_seed(0)
    tokenizer = gemma_tokenizer()
    encoder = gemma(len(tokenizer))
    text = encoder.config.get_text_config()
    LTX2Pipeline(
        scheduler=FlowMatchEulerDiscreteScheduler(
            use_dynamic_shifting=False, shift_terminal=None, base_shift=0.95, max_shift=2.05,
            base_image_seq_len=1024, max_image_seq_len=4096,
        ),
        vae=_ltx_vae(),
        audio_vae=_ltx_audio_vae(),
        text_encoder=encoder,
        tokenizer=tokenizer,
        connectors=_ltx_connectors(text.hidden_size, text.num_hidden_layers),
        transformer=_ltx_denoiser(text.hidden_size),
        vocoder=_ltx_vocoder(),
        duration_head=LTX2DurationHead(
            video_cross_attention_dim=32, audio_cross_attention_dim=16, pooler_hidden_dim=16, num_pooler_heads=2, mlp_hidden_dim=16
        ),
    ).save_pretrained(folder)  # fmt: skip
    LTX2LatentUpsamplerModel(in_channels=8, mid_channels=32, num_blocks_per_stage=1).save_pretrained(
        folder / "latent_upsampler"
    )


def _ltx_denoiser(caption_channels):
    from diffusers import LTX2VideoTransformer3DModel

    return LTX2VideoTransformer3DModel(
        in_channels=8, out_channels=8, patch_size=1, patch_size_t=1, num_attention_heads=2, attention_head_dim=16,
        cross_attention_dim=32, gated_attn=True, cross_attn_mod=True, audio_in_channels=8, audio_out_channels=8,
        audio_num_attention_heads=2, audio_attention_head_dim=8, audio_cross_attention_dim=16, audio_gated_attn=True,
        audio_cross_attn_mod=True, num_layers=2, caption_channels=caption_channels, rope_type="split",
        use_prompt_embeddings=False, perturbed_attn=True, ff_bias=False, use_keyframes_abs_pos_embedding=True,
    )  # fmt: skip


def _ltx_connectors(caption_channels, layers):
    from diffusers.pipelines.ltx2 import LTX2TextConnectors

    return LTX2TextConnectors(
        caption_channels=caption_channels, text_proj_in_factor=layers + 1, video_connector_num_attention_heads=2,
        video_connector_attention_head_dim=16, video_connector_num_layers=1, video_connector_num_learnable_registers=8,
        video_gated_attn=True, audio_connector_num_attention_heads=2, audio_connector_attention_head_dim=8,
        audio_connector_num_layers=1, audio_connector_num_learnable_registers=8, audio_gated_attn=True,
        connector_rope_base_seq_len=64, rope_type="split", per_modality_projections=True, video_hidden_dim=32,
        audio_hidden_dim=16, proj_bias=True,
    )  # fmt: skip


def _ltx_vae():
    from diffusers import AutoencoderKLLTX2Video

    return AutoencoderKLLTX2Video(
        latent_channels=8, block_out_channels=(8, 16, 16, 16), decoder_block_out_channels=(8, 16, 16, 16),
        layers_per_block=(1, 1, 1, 1, 1), decoder_layers_per_block=(1, 1, 1, 1, 1), spatio_temporal_scaling=(True,) * 4,
        decoder_spatio_temporal_scaling=(True,) * 4, decoder_inject_noise=(False,) * 5,
        downsample_type=("spatial", "temporal", "spatiotemporal", "spatiotemporal"),
        upsample_type=("spatiotemporal", "spatiotemporal", "temporal", "spatial"), upsample_residual=(False,) * 4,
        upsample_factor=(2, 2, 1, 2), patch_size=4, patch_size_t=1, encoder_causal=True, decoder_causal=False,
        encoder_spatial_padding_mode="zeros", decoder_spatial_padding_mode="zeros", spatial_compression_ratio=32,
        temporal_compression_ratio=8,
    )  # fmt: skip


def _ltx_audio_vae():
    from diffusers import AutoencoderKLLTX2Audio

    return AutoencoderKLLTX2Audio(
        base_channels=8, output_channels=2, ch_mult=(1, 1, 1), num_res_blocks=1, in_channels=2, resolution=64,
        latent_channels=2, norm_type="pixel", causality_axis="height", sample_rate=16000, mel_hop_length=160,
        is_causal=True, mel_bins=16, double_z=True,
    )  # fmt: skip


def _ltx_vocoder():
    from diffusers.pipelines.ltx2.vocoder import LTX2Vocoder

    return LTX2Vocoder(
        in_channels=32, hidden_channels=32, out_channels=2, upsample_kernel_sizes=[11, 4, 4, 4],
        upsample_factors=[5, 4, 4, 2], resnet_kernel_sizes=[3], resnet_dilations=[[1, 3, 5]], output_sampling_rate=16000,
    )  # fmt: skip
