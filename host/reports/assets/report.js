"use strict";
/* Draws each chart from the data block beside it, then folds the table that says the same; printing unfolds it again. */
(function () {
  var colours = ["#0f6b5c", "#d97706", "#2563eb", "#b8326e", "#7c3aed", "#0891b2", "#65a30d", "#64748b", "#c2410c", "#475569"];
  var lang = document.documentElement.lang || "en";
  var folded = [];

  function ticks(series) {
    if (series.kind === "ratio") return function (v) { return new Intl.NumberFormat(lang, { style: "percent", maximumFractionDigits: 1 }).format(v / 1e6); };
    var scale = series.kind === "money" ? Math.pow(10, series.digits) : series.kind === "duration" ? 60000 : 1;
    return function (v) { return new Intl.NumberFormat(lang, { notation: "compact", maximumFractionDigits: 1 }).format(v / scale); };
  }

  function dataset(series, i, kind, places) {
    var colour = colours[i % colours.length];
    var round = kind === "doughnut";
    return {
      label: series.label, data: series.values, shown: series.shown,
      backgroundColor: round ? places.map(function (_, n) { return colours[n % colours.length]; }) : kind === "line" ? colour + "22" : colour,
      borderColor: round ? "#fff" : colour, borderWidth: kind === "line" ? 2 : round ? 2 : 0, borderRadius: kind === "line" || round ? 0 : 2,
      pointRadius: series.values.length > 60 ? 0 : 2, tension: 0.2, fill: false, maxBarThickness: 36
    };
  }

  function options(data) {
    var round = data.chart === "doughnut", stacked = data.chart === "stacked";
    var o = {
      responsive: true, maintainAspectRatio: false, animation: false,
      interaction: round ? { mode: "nearest" } : { mode: "index", intersect: false },
      plugins: {
        legend: { display: round || data.series.length > 1, position: round ? "right" : "bottom", labels: { boxWidth: 12, boxHeight: 12 } },
        tooltip: { callbacks: { label: function (c) { return (round ? c.label : c.dataset.label) + "  " + c.dataset.shown[c.dataIndex]; } } }
      }
    };
    if (!round && data.series.length) o.scales = {
      x: { stacked: stacked, grid: { display: false }, ticks: { maxRotation: 0, autoSkipPadding: 16 }, title: { display: !!data.x, text: data.x } },
      y: { stacked: stacked, beginAtZero: true, ticks: { callback: ticks(data.series[0]) }, grid: { color: "#e8ecf0" } }
    };
    return o;
  }

  function draw(plot) {
    var data = JSON.parse(plot.querySelector("script").textContent);
    plot.hidden = false;
    new Chart(plot.querySelector("canvas"), {
      type: data.chart === "stacked" ? "bar" : data.chart,
      data: { labels: data.labels, datasets: data.series.map(function (s, i) { return dataset(s, i, data.chart, data.labels); }) },
      options: options(data)
    });
    var table = plot.parentNode.querySelector("details");
    table.open = false;
    folded.push(table);
  }

  if (typeof Chart === "undefined") return;
  Chart.defaults.font.family = getComputedStyle(document.body).fontFamily;
  Chart.defaults.color = "#5a6675";
  document.querySelectorAll(".plot").forEach(draw);
  window.addEventListener("beforeprint", function () { folded.forEach(function (t) { t.open = true; }); });
  window.addEventListener("afterprint", function () { folded.forEach(function (t) { t.open = false; }); });
})();
