// Makes of a picked picture what a Telegram app sends: a JPEG of at most 1280 pixels, and a small one.

const LONG_SIDE = 1280;
const SMALL_SIDE = 320;
const QUALITY = 0.87;
const LONGEST_RATIO = 20;

/** {photo, small, url}, or null when this browser cannot show it as a photo (HEIC, say): then it goes as a file. */
export async function asPhoto(file) {
  let bitmap;
  try {
    bitmap = await createImageBitmap(file);
  } catch {
    return null;
  }
  const { width, height } = bitmap;
  if (Math.max(width, height) > LONGEST_RATIO * Math.min(width, height)) return null;
  const photo = await shrink(bitmap, LONG_SIDE);
  const small = await shrink(bitmap, SMALL_SIDE);
  bitmap.close();
  return { photo, small, url: URL.createObjectURL(small) };
}

function shrink(bitmap, longSide) {
  const scale = Math.min(1, longSide / Math.max(bitmap.width, bitmap.height));
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(bitmap.width * scale));
  canvas.height = Math.max(1, Math.round(bitmap.height * scale));
  const pen = canvas.getContext("2d");
  pen.fillStyle = "#fff";
  pen.fillRect(0, 0, canvas.width, canvas.height);
  pen.imageSmoothingQuality = "high";
  pen.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  return new Promise((done) => canvas.toBlob(done, "image/jpeg", QUALITY));
}
