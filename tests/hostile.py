"""Files that mean harm or know too much, and a server that counts who falls for them."""

import io
import socket
import threading

import c2pa
from PIL import Image

from bench.parts.tampering import xmp
from engine.provenance.keys import SigningKeys


def picture(kind: str, *, size: tuple[int, int] = (32, 32)) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", size, "teal").save(file, kind)
    return file.getvalue()


def jpeg_with_xmp(address: str, *, size: tuple[int, int] = (32, 32)) -> bytes:
    segment = b"http://ns.adobe.com/xap/1.0/\0" + xmp(address)
    photo = picture("JPEG", size=size)
    return photo[:2] + b"\xff\xe1" + (len(segment) + 2).to_bytes(2, "big") + segment + photo[2:]


class Listener:
    """A server that counts who knocks, and answers nobody well."""

    def __init__(self) -> None:
        self._server = socket.create_server(("127.0.0.1", 0))
        self.address = f"http://127.0.0.1:{self._server.getsockname()[1]}/secret"
        self.knocks = 0
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        while True:
            try:
                caller, _ = self._server.accept()
            except OSError:
                return
            self.knocks += 1
            with caller:
                caller.recv(4096)
                caller.sendall(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")

    def close(self) -> None:
        self._server.close()


SECRETS = ("SECRET-LATITUDE", "SECRET-NAME", "SECRET-ADDRESS")


def camera_photo(keys: SigningKeys, *, address: str = "SECRET-ADDRESS", kind: str = "JPEG") -> bytes:
    """A photo signed by a camera, with a preview, a place and a name in its credentials, and an address in its XMP."""
    mime = f"image/{kind.lower()}"
    photo = jpeg_with_xmp(address, size=(320, 400)) if kind == "JPEG" else picture(kind, size=(320, 400))
    story = {
        "claim_generator_info": [{"name": "Camera", "version": "1"}],
        "format": mime,
        "assertions": [
            {
                "label": "c2pa.actions.v2",
                "data": {
                    "actions": [
                        {
                            "action": "c2pa.created",
                            "digitalSourceType": "http://cv.iptc.org/newscodes/digitalsourcetype/digitalCapture",
                        }
                    ]
                },
            },
            _metadata("stds.exif", "exif", "http://ns.adobe.com/exif/1.0/", "GPSLatitude", "SECRET-LATITUDE"),
            _metadata("cawg.metadata", "dc", "http://purl.org/dc/elements/1.1/", "creator", "SECRET-NAME"),
        ],
    }
    certificates, key = keys.chain_pem.encode(), keys.key_pem.encode()
    info = c2pa.C2paSignerInfo(c2pa.C2paSigningAlg.ES256, certificates, key, None)
    offline = {"core": {"allowed_network_hosts": []}, "verify": {"remote_manifest_fetch": False}}
    signed = io.BytesIO()
    with c2pa.Context.from_dict(offline) as context, c2pa.Builder(story, context=context) as builder:
        builder.sign(c2pa.Signer.from_info(info), mime, io.BytesIO(photo), signed)
    return signed.getvalue()


def _metadata(label: str, prefix: str, namespace: str, name: str, value: str) -> dict[str, object]:
    data = {"@context": {prefix: namespace}, f"{prefix}:{name}": value}
    return {"label": label, "kind": "Json", "data": data}
