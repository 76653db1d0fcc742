// The scale of an axis: where a number goes, and where its ticks are.

// A number with so many digits, as pieces of text: large and small ones with a power of ten.
function numberPieces(value, digits = 4) {
  if (!Number.isFinite(value)) return [["–", ""]];
  const [mantissa, exponent] = value.toExponential(digits - 1).split("e");
  const power = Number(exponent);
  const minus = (text) => text.replace("-", "−");
  if (value === 0 || (power >= -3 && power < 5)) return [[minus(String(Number(value.toPrecision(digits)))), ""]];
  const factor = String(Number(mantissa));
  const before = factor === "1" ? "10" : factor === "-1" ? "−10" : `${minus(factor)} × 10`;
  return [[before, ""], [minus(String(power)), "sup"]];
}

function linearTicks(low, high, count) {
  const rough = (high - low) / count;
  const unit = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * unit).find((each) => each >= rough * 0.999);
  const ticks = [];
  for (let k = Math.ceil(low / step - 1e-9); k * step <= high + 1e-9 * step; k++) {
    ticks.push({ at: k * step, text: numberPieces(Number((k * step).toPrecision(10))) });
  }
  return ticks;
}

function logTicks(low, high, count) {
  const first = Math.ceil(Math.log10(low) - 1e-9), last = Math.floor(Math.log10(high) + 1e-9);
  const factors = last - first < 2 ? [1, 2, 5] : [1];
  const every = Math.max(1, Math.ceil((last - first + 1) / count));
  const ticks = [];
  for (let power = first - 1; power <= last; power++) {
    for (const factor of factors) {
      const at = factor * 10 ** power;
      if (at < low * 0.999 || at > high * 1.001 || power % every !== 0) continue;
      const decade = [["10", ""], [String(power).replace("-", "−"), "sup"]];
      ticks.push({ at, text: factors.length > 1 ? numberPieces(at, 3) : decade });
    }
  }
  return ticks;
}

// From numbers in [low, high] to places in [begin, end].
function scaleOf(low, high, begin, end, log, count) {
  const unit = log ? Math.log : (x) => x;
  const [a, b] = [unit(low), unit(high)];
  const place = (value) => begin + ((unit(value) - a) / (b - a)) * (end - begin);
  const inverse = (at) => {
    const found = a + ((at - begin) / (end - begin)) * (b - a);
    return log ? Math.exp(found) : found;
  };
  return { low, high, log, place, inverse, ticks: log ? logTicks(low, high, count) : linearTicks(low, high, count) };
}
