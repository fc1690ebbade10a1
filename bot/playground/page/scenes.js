// Three pictures that the page draws itself, so that anybody can try without a photo at hand.

const WIDTH = 960;
const HEIGHT = 1280;

/** A number generator with a seed: the scenes look the same every time. */
function dice(seed) {
  let state = seed;
  return () => {
    state = (state * 1664525 + 1013904223) % 4294967296;
    return state / 4294967296;
  };
}

function sky(pen, height, ...stops) {
  const fill = pen.createLinearGradient(0, 0, 0, height);
  stops.forEach(([at, color]) => fill.addColorStop(at, color));
  pen.fillStyle = fill;
  pen.fillRect(0, 0, WIDTH, height);
}

function glow(pen, x, y, radius, color) {
  const fill = pen.createRadialGradient(x, y, 0, x, y, radius);
  fill.addColorStop(0, color);
  fill.addColorStop(1, color.slice(0, 7) + "00");
  pen.fillStyle = fill;
  pen.fillRect(x - radius, y - radius, radius * 2, radius * 2);
}

function ridge(pen, base, rise, roughness, color, random) {
  pen.beginPath();
  pen.moveTo(0, HEIGHT);
  const phases = [random() * 6, random() * 6, random() * 6];
  for (let x = 0; x <= WIDTH; x += 4) {
    const wave = Math.sin(x / 210 + phases[0]) * 0.5 + Math.sin(x / 87 + phases[1]) * 0.3 + Math.sin(x / 31 + phases[2]) * 0.12;
    pen.lineTo(x, base - rise * (0.5 + wave * 0.5) + (random() - 0.5) * roughness);
  }
  pen.lineTo(WIDTH, HEIGHT);
  pen.fillStyle = color;
  pen.fill();
}

function fir(pen, x, foot, height, color) {
  pen.fillStyle = color;
  for (let layer = 0; layer < 5; layer += 1) {
    const top = foot - height + (layer * height) / 6.2;
    const half = height * (0.07 + layer * 0.045);
    pen.beginPath();
    pen.moveTo(x, top);
    pen.lineTo(x + half, top + height / 3.1);
    pen.lineTo(x - half, top + height / 3.1);
    pen.fill();
  }
  pen.fillRect(x - height * 0.025, foot - height * 0.1, height * 0.05, height * 0.1);
}

function cloud(pen, x, y, scale, color, random) {
  for (let puff = 0; puff < 16; puff += 1) {
    glow(pen, x + (random() - 0.5) * 300 * scale, y + (random() - 0.5) * 54 * scale, (50 + random() * 70) * scale, color);
  }
}

function grain(pen, amount, random) {
  const image = pen.getImageData(0, 0, WIDTH, HEIGHT);
  for (let at = 0; at < image.data.length; at += 4) {
    const shift = (random() - 0.5) * amount;
    image.data[at] += shift;
    image.data[at + 1] += shift;
    image.data[at + 2] += shift;
  }
  pen.putImageData(image, 0, 0);
}

function lake(pen) {
  const random = dice(11);
  const shore = 800;
  sky(pen, shore, [0, "#28346b"], [0.45, "#a45c8d"], [0.75, "#f39a72"], [1, "#ffdd9c"]);
  glow(pen, 640, 690, 420, "#fff0c4d0");
  pen.fillStyle = "#fff6dc";
  pen.beginPath();
  pen.arc(640, 690, 56, 0, 7);
  pen.fill();
  for (const [x, y, scale] of [[220, 230, 1.3], [760, 160, 1], [430, 410, 1.5], [880, 470, 0.9]]) cloud(pen, x, y, scale, "#ffd2b830", random);
  ridge(pen, shore - 20, 250, 3, "#7d5a8e", random);
  ridge(pen, shore, 150, 4, "#553e70", random);
  for (let x = -20; x < WIDTH; x += 24) fir(pen, x + random() * 14, shore + 6, 60 + random() * 70, "#2c2448");
  pen.save();
  pen.translate(0, shore * 2);
  pen.scale(1, -1);
  pen.globalAlpha = 0.75;
  pen.drawImage(pen.canvas, 0, shore - (HEIGHT - shore), WIDTH, HEIGHT - shore, 0, shore - (HEIGHT - shore), WIDTH, HEIGHT - shore);
  pen.restore();
  pen.fillStyle = "#2b2a5a55";
  pen.fillRect(0, shore, WIDTH, HEIGHT - shore);
  for (let line = 0; line < 330; line += 1) {
    const y = shore + 6 + random() ** 1.4 * (HEIGHT - shore);
    const near = (y - shore) / (HEIGHT - shore);
    pen.fillStyle = random() > 0.5 ? "#ffe3b52e" : "#1d1c4430";
    pen.fillRect(random() * WIDTH - 80, y, 60 + random() * 200 * near, 1 + near * 4);
  }
  pen.fillStyle = "#15142e";
  pen.beginPath();
  pen.moveTo(250, 1085);
  pen.quadraticCurveTo(385, 1170, 560, 1080);
  pen.quadraticCurveTo(520, 1165, 400, 1165);
  pen.quadraticCurveTo(290, 1165, 250, 1085);
  pen.fill();
  pen.fillRect(400, 900, 8, 200);
  pen.fillStyle = "#f6e7d6";
  pen.beginPath();
  pen.moveTo(412, 905);
  pen.quadraticCurveTo(540, 1010, 520, 1072);
  pen.lineTo(412, 1076);
  pen.fill();
  pen.fillStyle = "#e8b48e";
  pen.beginPath();
  pen.moveTo(394, 925);
  pen.quadraticCurveTo(320, 1020, 300, 1070);
  pen.lineTo(394, 1076);
  pen.fill();
}

function cabin(pen) {
  const random = dice(5);
  sky(pen, HEIGHT, [0, "#081329"], [0.5, "#1d3a63"], [0.75, "#4e6f96"], [1, "#93acc6"]);
  for (let star = 0; star < 240; star += 1) {
    pen.fillStyle = `rgba(255,255,255,${0.25 + random() * 0.7})`;
    const dot = 1 + random() * 2.4;
    pen.fillRect(random() * WIDTH, random() * 560, dot, dot);
  }
  glow(pen, 730, 220, 260, "#dfeaff70");
  pen.fillStyle = "#f3f7ff";
  pen.beginPath();
  pen.arc(730, 220, 62, 0, 7);
  pen.fill();
  ridge(pen, 740, 300, 8, "#2a4568", random);
  ridge(pen, 820, 180, 6, "#1b3250", random);
  for (let x = -10; x < WIDTH; x += 34) fir(pen, x + random() * 20, 880 + random() * 20, 150 + random() * 150, random() > 0.5 ? "#0f2436" : "#14304a");
  const snow = pen.createLinearGradient(0, 840, 0, HEIGHT);
  snow.addColorStop(0, "#c3d4e8");
  snow.addColorStop(1, "#7f9abc");
  pen.fillStyle = snow;
  pen.beginPath();
  pen.moveTo(0, 900);
  pen.bezierCurveTo(250, 840, 520, 900, WIDTH, 850);
  pen.lineTo(WIDTH, HEIGHT);
  pen.lineTo(0, HEIGHT);
  pen.fill();
  glow(pen, 430, 910, 330, "#ffc46a66");
  pen.fillStyle = "#4a2d22";
  pen.fillRect(270, 730, 330, 210);
  for (let y = 745; y < 940; y += 24) {
    pen.fillStyle = "#38211a";
    pen.fillRect(270, y, 330, 4);
  }
  pen.fillStyle = "#3a2a30";
  pen.fillRect(520, 575, 46, 130);
  pen.fillStyle = "#e9f1fb";
  pen.beginPath();
  pen.moveTo(220, 745);
  pen.lineTo(435, 575);
  pen.lineTo(650, 745);
  pen.lineTo(620, 765);
  pen.lineTo(435, 640);
  pen.lineTo(250, 765);
  pen.fill();
  pen.fillStyle = "#4a2d22";
  pen.beginPath();
  pen.moveTo(270, 752);
  pen.lineTo(435, 640);
  pen.lineTo(600, 752);
  pen.fill();
  for (const [x, width] of [[300, 74], [500, 74]]) {
    pen.fillStyle = "#ffd77f";
    pen.fillRect(x, 790, width, 78);
    pen.fillStyle = "#4a2d22";
    pen.fillRect(x + width / 2 - 3, 790, 6, 78);
    pen.fillRect(x, 826, width, 6);
  }
  pen.fillStyle = "#2a1812";
  pen.fillRect(403, 810, 68, 130);
  for (let puff = 0; puff < 22; puff += 1) glow(pen, 543 + puff * 6 + random() * 20, 560 - puff * 17, 22 + puff * 3.4, "#dfe8f226");
  for (let heap = 0; heap < 60; heap += 1) glow(pen, random() * WIDTH, 960 + random() * 320, 40 + random() * 90, "#ffffff1c");
  for (const [x, foot, height] of [[80, 1130, 470], [850, 1180, 540]]) fir(pen, x, foot, height, "#0a1a28");
}

function lighthouse(pen) {
  const random = dice(23);
  const horizon = 760;
  sky(pen, horizon, [0, "#3d87c4"], [0.6, "#8fc3e6"], [1, "#e5f1f5"]);
  for (const [x, y, scale] of [[200, 190, 1.3], [700, 300, 1.6], [380, 480, 1.1], [860, 120, 0.9], [120, 610, 1]]) cloud(pen, x, y, scale, "#ffffff55", random);
  const sea = pen.createLinearGradient(0, horizon, 0, HEIGHT);
  sea.addColorStop(0, "#5f9fb9");
  sea.addColorStop(1, "#12455f");
  pen.fillStyle = sea;
  pen.fillRect(0, horizon, WIDTH, HEIGHT - horizon);
  for (let wave = 0; wave < 420; wave += 1) {
    const near = random() ** 1.5;
    pen.fillStyle = random() > 0.45 ? `rgba(255,255,255,${0.08 + near * 0.22})` : "#0b395030";
    pen.fillRect(random() * WIDTH - 60, horizon + 4 + near * (HEIGHT - horizon), 30 + near * 150, 1.5 + near * 5);
  }
  pen.fillStyle = "#4d5a44";
  pen.beginPath();
  pen.moveTo(330, HEIGHT);
  pen.bezierCurveTo(400, 1090, 420, 960, 560, 930);
  pen.bezierCurveTo(700, 900, 820, 930, WIDTH, 880);
  pen.lineTo(WIDTH, HEIGHT);
  pen.fill();
  for (let stone = 0; stone < 260; stone += 1) {
    const x = 400 + random() * 560;
    const y = 985 + random() * 300;
    if (x < 360 + (HEIGHT - y) * 0.55) continue;
    pen.fillStyle = ["#39433566", "#6b785b77", "#2c332a66", "#8a967266"][Math.floor(random() * 4)];
    pen.beginPath();
    pen.ellipse(x, y, 8 + random() * 34, 5 + random() * 15, random(), 0, 7);
    pen.fill();
  }
  const tower = (y) => 62 + (y - 420) * 0.05;
  for (let stripe = 0; stripe < 6; stripe += 1) {
    const top = 420 + stripe * 88;
    pen.fillStyle = stripe % 2 ? "#c8402f" : "#f6f1e7";
    pen.beginPath();
    pen.moveTo(690 - tower(top), top);
    pen.lineTo(690 + tower(top), top);
    pen.lineTo(690 + tower(top + 88), top + 89);
    pen.lineTo(690 - tower(top + 88), top + 89);
    pen.fill();
  }
  const shadow = pen.createLinearGradient(600, 0, 780, 0);
  shadow.addColorStop(0, "#ffffff30");
  shadow.addColorStop(0.5, "#ffffff00");
  shadow.addColorStop(1, "#00102655");
  pen.fillStyle = shadow;
  pen.fillRect(600, 420, 180, 528);
  pen.fillStyle = "#2b3238";
  pen.fillRect(612, 402, 156, 22);
  pen.fillRect(640, 318, 100, 86);
  pen.fillStyle = "#ffe9a3";
  pen.fillRect(652, 330, 76, 66);
  pen.fillStyle = "#b23527";
  pen.beginPath();
  pen.moveTo(628, 320);
  pen.quadraticCurveTo(690, 226, 752, 320);
  pen.fill();
  glow(pen, 690, 362, 150, "#fff2c090");
  pen.strokeStyle = "#ffffffd0";
  pen.lineWidth = 4;
  for (const [x, y] of [[210, 520], [280, 470], [330, 560], [150, 600]]) {
    pen.beginPath();
    pen.moveTo(x - 22, y - 8);
    pen.quadraticCurveTo(x - 8, y - 14, x, y);
    pen.quadraticCurveTo(x + 8, y - 14, x + 22, y - 8);
    pen.stroke();
  }
}

export const SCENES = [
  { name: "Lake at dusk", draw: lake },
  { name: "Winter cabin", draw: cabin },
  { name: "Lighthouse", draw: lighthouse },
];

const painted = new Map();

/** The scene at full size; painted once. */
function paint(scene) {
  if (painted.has(scene)) return painted.get(scene);
  const canvas = document.createElement("canvas");
  canvas.width = WIDTH;
  canvas.height = HEIGHT;
  const pen = canvas.getContext("2d", { willReadFrequently: true });
  scene.draw(pen);
  grain(pen, 9, dice(77));
  painted.set(scene, canvas);
  return canvas;
}

function asFile(canvas, name) {
  return new Promise((done) => {
    canvas.toBlob((blob) => done(new File([blob], `${name}.png`, { type: "image/png" })), "image/png");
  });
}

/** Fills a box with one button per scene; `onPick` gets a promise of the chosen picture's file. */
export function offerScenes(box, onPick) {
  box.replaceChildren(...SCENES.map((scene) => {
    const full = paint(scene);
    const preview = document.createElement("canvas");
    preview.width = 240;
    preview.height = 320;
    preview.getContext("2d").drawImage(full, 0, 0, 240, 320);
    const button = document.createElement("button");
    const label = document.createElement("span");
    label.textContent = scene.name;
    button.type = "button";
    button.append(preview, label);
    button.addEventListener("click", () => onPick(asFile(full, scene.name)));
    return button;
  }));
}
