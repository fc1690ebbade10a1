"""LTX-2.5, distilled: a draft at half size, enlarged as latents and refined; sound comes along."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.errors import ConfigError
from engine.media.encode import SOUND_RATE
from engine.renderers import Watch
from engine.renderers.diffusion.machine import Machine, import_torch, make_channels_last
from engine.renderers.diffusion.memory import plan_memory
from engine.renderers.diffusion.model import Drawn, Take
from engine.renderers.diffusion.pixels import bring
from engine.renderers.diffusion.presets import Preset
from engine.renderers.diffusion.stopping import Steps, stoppable
from engine.renderers.diffusion.texts import TextEncoding

PHOTO_CRF = 18
"""How strongly LTX-2.5 wants the photo compressed before it sees it; its pipeline reads it off the text encoder,
which is not there while it draws."""

FRAMES_AT_ONCE = 8
"""How many decoded frames come off the device together. The decoder looks ahead in time: it needs the whole clip."""

NO_GUIDANCE = {
    "guidance_scale": 1.0,
    "stg_scale": 0.0,
    "modality_scale": 1.0,
    "guidance_rescale": 0.0,
    "audio_guidance_scale": 1.0,
    "audio_stg_scale": 0.0,
    "audio_modality_scale": 1.0,
    "audio_guidance_rescale": 0.0,
}
"""All eight: the pipeline's defaults are those of the undistilled model, and cost three times the passes."""


class Ltx:
    """See `engine.renderers.diffusion.model.Model`."""

    def __init__(self, preset: Preset, pipe: Any, upsampler: Any, machine: Machine) -> None:
        from diffusers import LTX2LatentUpsamplePipeline

        self._preset, self._pipe, self._machine = preset, pipe, machine
        self.compiled = machine.compiles
        self._enlarge = LTX2LatentUpsamplePipeline(vae=pipe.vae, latent_upsampler=upsampler)
        self._enlarge.set_progress_bar_config(disable=True)
        denoisers = [pipe.transformer]
        plan = plan_memory(preset, machine.gigabytes)
        self._encode = TextEncoding(pipe, [] if plan.offload else denoisers, machine, self._read, plan.text)
        machine.place(pipe, denoisers, plan)
        if plan.offload:
            upsampler.to(machine.device)  # it is none of the parts that the pipeline moves
        else:
            self._enlarge.to(machine.device)
        if (
            machine.compiles
        ):  # channels-last alone makes it slower: the pieces between its convolutions are not
            make_channels_last(pipe.vae)
            pipe.vae.decoder.compile(dynamic=True)  # the size changes from photo to photo
        if plan.tiles:
            self.tile()
        if plan.offload:
            self.offload()

    @classmethod
    def load(cls, preset: Preset, folder: Path, machine: Machine) -> Ltx:
        """Raises ConfigError where the weights are not whole."""
        from diffusers import LTX2ConditionPipeline
        from diffusers.pipelines.ltx2.latent_upsampler import LTX2LatentUpsamplerModel

        pipe = machine.load(LTX2ConditionPipeline, folder)
        try:
            upsampler = LTX2LatentUpsamplerModel.from_pretrained(
                str(folder), subfolder="latent_upsampler", dtype=pipe.vae.dtype, local_files_only=True
            )
        except (OSError, ValueError) as error:
            raise ConfigError(f"{folder.name} lacks its latent_upsampler") from error
        return cls(preset, pipe, upsampler, machine)

    def draw(self, take: Take, watch: Watch, *, share: float) -> Drawn:
        from diffusers.pipelines.ltx2.pipeline_ltx2_condition import LTX2VideoCondition
        from diffusers.pipelines.ltx2.utils import DISTILLED_SIGMA_VALUES as DRAFT
        from diffusers.pipelines.ltx2.utils import STAGE_2_DISTILLED_SIGMA_VALUES as REFINE

        steps = Steps(watch, total=len(DRAFT) + len(REFINE), share=share)
        width, height = take.photo.size
        settings = {
            "conditions": [LTX2VideoCondition(frames=take.photo, crf=PHOTO_CRF)],
            "num_frames": take.frames,
            "frame_rate": float(self._preset.frames_per_second),
            "generator": self._machine.generator(take.seed),
            "callback_on_step_end": steps.on_step_end,
            "output_type": "latent",
            "return_dict": False,
            **NO_GUIDANCE,
            **self._encode(take.caption),
        }
        with stoppable([self._pipe.transformer], steps, self._pipe):
            draft, sound = self._pipe(width=width // 2, height=height // 2, sigmas=DRAFT, **settings)
            large = self._enlarge(
                latents=draft, latents_normalized=False, output_type="latent", return_dict=False
            )[0]
            latents, sound = self._pipe(
                width=width,
                height=height,
                latents=large,
                audio_latents=sound,
                sigmas=REFINE,
                noise_scale=REFINE[0],
                **settings,
            )
        return Drawn(latents, self._hear(sound, seconds=take.frames / self._preset.frames_per_second))

    def decode(self, drawn: Drawn) -> Iterator[NDArray[np.uint8]]:
        torch = import_torch()
        vae = self._pipe.vae
        with torch.no_grad():
            video = vae.decode(drawn.latents.to(vae.dtype), None, return_dict=False)[0]
            yield from bring(iter(video.split(FRAMES_AT_ONCE, dim=2)))

    def tile(self) -> None:
        self._pipe.vae.enable_tiling()

    def offload(self) -> None:
        self._pipe.enable_model_cpu_offload(device=self._machine.device)

    def _read(self, caption: str, device: str) -> Mapping[str, Any]:
        embeds, mask, _, _ = self._pipe.encode_prompt(
            caption, do_classifier_free_guidance=False, device=device
        )
        return {"prompt_embeds": embeds, "prompt_attention_mask": mask}

    def _hear(self, latents: Any, *, seconds: float) -> NDArray[np.float32]:
        """Stereo at our rate, exactly as long as the pictures."""
        from scipy.signal import resample_poly

        torch = import_torch()
        with torch.no_grad():
            spectra = self._pipe.audio_vae.decode(latents.to(self._pipe.audio_vae.dtype), return_dict=False)[
                0
            ]
            wave = self._pipe.vocoder(spectra)[0].float().cpu().numpy()
        sound = resample_poly(wave, SOUND_RATE, self._pipe.vocoder.config.output_sampling_rate, axis=1)
        fitted = np.zeros((round(seconds * SOUND_RATE), 2), np.float32)
        length = min(len(fitted), sound.shape[1])
        fitted[:length] = np.clip(sound[:, :length], -1, 1).T
        return fitted
