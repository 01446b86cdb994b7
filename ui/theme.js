// The page follows the system's choice of light or dark. This runs before the
// first paint, so that a dark page never flashes white.
const dark = matchMedia('(prefers-color-scheme: dark)');

function follow() {
  document.documentElement.classList.toggle('dark-mode', dark.matches);
}

follow();
dark.addEventListener('change', follow);
