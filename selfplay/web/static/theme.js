// Light or dark as the system says, unless the person chose; runs before the first paint.
(() => {
  const root = document.documentElement, system = matchMedia("(prefers-color-scheme: dark)");
  const stored = () => { try { return localStorage.getItem("theme"); } catch { return null; } };
  let chosen = stored();
  const label = () => {
    const dark = root.dataset.theme === "dark";
    document.querySelector("[data-theme-switch]")?.setAttribute("aria-label", dark ? "Light colours" : "Dark colours");
  };
  const paint = () => {
    root.dataset.theme = ["light", "dark"].includes(chosen) ? chosen : system.matches ? "dark" : "light";
    label();
  };
  paint();
  system.addEventListener("change", paint);
  addEventListener("DOMContentLoaded", () => {
    label();
    document.querySelector("[data-theme-switch]")?.addEventListener("click", () => {
      chosen = root.dataset.theme === "dark" ? "light" : "dark";
      try { localStorage.setItem("theme", chosen); } catch { /* private window: not remembered */ }
      paint();
    });
  });
})();
