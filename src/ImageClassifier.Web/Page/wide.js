// Details that are open where the screen has room for them.

const WIDE = matchMedia("(min-width: 801px)");

/** Opens the details on a wide screen, and closes them on a narrow one. The user can do otherwise. @param {HTMLElement} details */
export function openIfWide(details) {
  const adapt = () => details.toggleAttribute("open", WIDE.matches);
  adapt();
  WIDE.addEventListener("change", adapt);
}
