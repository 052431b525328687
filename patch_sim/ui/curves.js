// Steady states and time constants of a channel's gates over voltage, small.

function drawCurves(canvas, curves) {
  if (!curves) return;
  const pixel = 1 / (window.devicePixelRatio || 1);
  const { clientWidth: width, clientHeight: height } = canvas;
  canvas.width = Math.round(width / pixel);
  canvas.height = Math.round(height / pixel);
  const context = canvas.getContext("2d");
  context.scale(1 / pixel, 1 / pixel);
  const style = getComputedStyle(canvas);
  const color = (name) => style.getPropertyValue(name).trim();
  const font = `10px ${color("--font-mono")}`;
  const half = (width - 10) / 2;
  const hues = ["#3f8fd2", "#d1495b", "#2f9f6b", "#b07cc6", "#e08e2b", "#7a8794"];
  const plot = (left, name, lines, low, high) => {
    const box = { left: left + 26, top: 14, width: half - 30, height: height - 30 };
    context.font = font;
    context.fillStyle = color("--rig-faint");
    context.textAlign = "left";
    context.fillText(name, left + 26, 9);
    context.textAlign = "right";
    context.fillText(plain(high), box.left - 3, box.top + 6);
    context.fillText(plain(low), box.left - 3, box.top + box.height);
    context.textAlign = "left";
    context.fillText(`${plain(curves.voltage[0])}`, box.left, height - 4);
    context.textAlign = "right";
    context.fillText(`${plain(curves.voltage.at(-1))} ${curves.unit}`, box.left + box.width, height - 4);
    context.strokeStyle = color("--rig-edge");
    context.lineWidth = 1;
    context.strokeRect(box.left + 0.5, box.top + 0.5, box.width, box.height);
    lines.forEach((line, k) => {
      context.strokeStyle = hues[k % hues.length];
      context.lineWidth = 1.5;
      context.beginPath();
      line.forEach((value, i) => {
        const x = box.left + (i / (line.length - 1)) * box.width;
        const y = box.top + (1 - (value - low) / (high - low)) * box.height;
        if (i) context.lineTo(x, y);
        else context.moveTo(x, y);
      });
      context.stroke();
    });
  };
  if (!curves.gates.length) return;
  plot(
    0,
    curves.gates.map(({ name }) => name).join(" "),
    curves.gates.map(({ steady }) => steady),
    0,
    1,
  );
  const times = curves.gates.map(({ time }) => time);
  plot(half + 10, "time constants (ms)", times, 0, Math.max(1e-6, ...times.flat()) * 1.05);
}
