"""Wan 2.2: the 5B model (FastWan, three steps) and the two experts of 14B (four steps with a fused LoRA)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.renderers import Watch
from engine.renderers.diffusion import tiny as tiny_decoder
from engine.renderers.diffusion.decoder import hasten
from engine.renderers.diffusion.machine import Machine, import_torch, make_channels_last
from engine.renderers.diffusion.memory import plan_memory
from engine.renderers.diffusion.model import Drawn, Take
from engine.renderers.diffusion.pixels import bring
from engine.renderers.diffusion.presets import Preset
from engine.renderers.diffusion.schedulers import make_scheduler
from engine.renderers.diffusion.stopping import Steps, stoppable
from engine.renderers.diffusion.texts import TextEncoding

LONGEST_TEXT = 512
"""Tokens of UMT5 that Wan was trained with."""

FRAMES_AT_ONCE = 8
"""How many frames of a clip that was decoded whole, in tiles, come off the device together."""

_NO_GUIDANCE = 1.0


class Wan:
    """See `engine.renderers.diffusion.model.Model`."""

    def __init__(self, preset: Preset, pipe: Any, machine: Machine, *, tiny: Any = None) -> None:
        """`tiny` decodes in the place of the pipeline's own decoder."""
        self._preset, self._pipe, self._machine, self._tiny = preset, pipe, machine, tiny
        self.compiled = machine.compiles
        pipe.scheduler = make_scheduler(preset.sampler, preset.sigmas)
        self._denoisers = [one for one in (pipe.transformer, pipe.transformer_2) if one is not None]
        plan = plan_memory(preset, machine.gigabytes)
        self._encode = TextEncoding(
            pipe, [] if plan.offload else self._denoisers, machine, self._read, plan.text
        )
        machine.place(pipe, self._denoisers, plan)
        if machine.device == "cuda":
            make_channels_last(pipe.vae)
        hasten(pipe.vae, compiled=machine.compiles)
        if plan.tiles:
            self.tile()
        if plan.offload:
            self.offload()

    @classmethod
    def load(cls, preset: Preset, folder: Path, machine: Machine) -> Wan:
        """Raises ConfigError where the weights are not whole."""
        from diffusers import WanImageToVideoPipeline

        # The class by name: the repositories' own index names a text-to-video class, or one that diffusers lacks.
        settings = {"expand_timesteps": True} if preset.expand_timesteps else {}
        pipe = machine.load(WanImageToVideoPipeline, folder, **settings)
        _fuse_loras(pipe, preset, folder)
        wanted = preset.tiny if machine.options.decoder == "tiny" else None
        tiny = None if wanted is None else tiny_decoder.load_tiny(wanted, folder, machine)
        return cls(preset, pipe, machine, tiny=tiny)

    def draw(self, take: Take, watch: Watch, *, share: float) -> Drawn:
        pipe, preset = self._pipe, self._preset
        steps = Steps(watch, total=len(preset.sigmas), share=share)
        text = self._encode(take.caption)
        pipe.scheduler.rng = self._machine.generator(take.seed ^ 0x5EED)
        with stoppable(self._denoisers, steps, pipe):
            latents = pipe(
                image=take.photo,
                width=take.photo.width,
                height=take.photo.height,
                num_frames=take.frames,
                num_inference_steps=len(preset.sigmas),
                guidance_scale=_NO_GUIDANCE,
                guidance_scale_2=_NO_GUIDANCE if pipe.transformer_2 is not None else None,
                generator=self._machine.generator(take.seed),
                callback_on_step_end=steps.on_step_end,
                output_type="latent",
                **text,
            ).frames
        return Drawn(latents)

    def decode(self, drawn: Drawn) -> Iterator[NDArray[np.uint8]]:
        """One latent frame after another, as the decoder itself goes: four frames at a time, not the whole clip."""
        torch = import_torch()
        vae = self._pipe.vae
        with torch.no_grad():
            if self._tiny is not None and self._preset.tiny is not None:
                latents = drawn.latents.to(self._machine.device, vae.dtype)
                yield from bring(
                    tiny_decoder.decode_pieces(self._tiny, latents, patch=self._preset.tiny.patch)
                )
                return
            latents = self._scaled(drawn.latents)
            if vae.use_tiling:
                whole = vae.decode(latents, return_dict=False)[0]
                yield from bring(iter(whole.split(FRAMES_AT_ONCE, dim=2)))
                return
            yield from bring(decode_pieces(vae, latents))

    def tile(self) -> None:
        self._pipe.vae.enable_tiling()

    def offload(self) -> None:
        self._pipe.enable_model_cpu_offload(device=self._machine.device)

    def _read(self, caption: str, device: str) -> Mapping[str, Any]:
        embeds, _ = self._pipe.encode_prompt(
            caption,
            do_classifier_free_guidance=False,
            max_sequence_length=LONGEST_TEXT,
            device=device,
        )
        return {"prompt_embeds": embeds}

    def _scaled(self, latents: Any) -> Any:
        """From the denoiser's scale to the decoder's."""
        torch = import_torch()
        vae = self._pipe.vae
        mean, spread = (
            torch.tensor(values).view(1, vae.config.z_dim, 1, 1, 1).to(self._machine.device, vae.dtype)
            for values in (vae.config.latents_mean, vae.config.latents_std)
        )
        return latents.to(self._machine.device, vae.dtype) * spread + mean


def _fuse_loras(pipe: Any, preset: Preset, folder: Path) -> None:
    """Before anything is moved, kept in 8 bits or compiled. The files lie beside the model, under `loras`."""
    for lora in preset.loras:
        pipe.load_lora_weights(
            str(folder / "loras"),
            weight_name=lora.file,
            load_into_transformer_2=lora.second,
            local_files_only=True,
        )
        pipe.fuse_lora(components=["transformer_2" if lora.second else "transformer"])
        pipe.unload_lora_weights()


def decode_pieces(vae: Any, latents: Any) -> Iterator[Any]:
    """`AutoencoderKLWan.decode`, yielding what it would join; a test holds the two equal."""
    from diffusers.models.autoencoders.autoencoder_kl_wan import unpatchify

    vae.clear_cache()
    try:
        hidden = vae.post_quant_conv(latents)
        for number in range(hidden.shape[2]):
            vae._conv_idx = [0]  # noqa: SLF001  # the decoder's own place among its cached frames
            first = {"first_chunk": True} if number == 0 else {}
            piece = vae.decoder(
                hidden[:, :, number : number + 1],
                feat_cache=vae._feat_map,  # noqa: SLF001
                feat_idx=vae._conv_idx,  # noqa: SLF001
                **first,
            )
            if vae.config.patch_size is not None:
                piece = unpatchify(piece, patch_size=vae.config.patch_size)
            yield piece.clamp(-1.0, 1.0)
    finally:
        vae.clear_cache()
