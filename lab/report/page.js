// Draws the figures, with the colours of the page's theme, and again when the theme changes.
(() => {
  "use strict";
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const variable = /^var\((--[\w-]+)\)$/;
  const options = { responsive: true, displaylogo: false, displayModeBar: false };

  function themed(value, style) {
    if (typeof value === "string") {
      const name = variable.exec(value);
      return name ? style.getPropertyValue(name[1]).trim() : value;
    }
    if (Array.isArray(value)) return value.map((each) => themed(each, style));
    if (value !== null && typeof value === "object") {
      return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, themed(each, style)]));
    }
    return value;
  }

  function draw() {
    const style = getComputedStyle(document.documentElement);
    for (const plot of document.querySelectorAll(".plot")) {
      const { data, layout } = themed(JSON.parse(plot.nextElementSibling.textContent), style);
      Plotly.react(plot, data, layout, options);
    }
  }

  draw();
  dark.addEventListener("change", draw);
})();
