// Turns side-by-side pictures into one picture with a line to drag. Without this script they stay side by side.
for (const box of document.querySelectorAll(".compare")) {
  const views = box.querySelector(".views");
  const range = box.querySelector("input");
  const sides = box.querySelectorAll("select");
  if (box.querySelectorAll(".view").length < 2) continue;

  const name = (side) => side.selectedOptions[0].textContent;
  const choose = () => {
    for (const view of box.querySelectorAll(".view")) {
      for (const side of sides) view.classList.toggle(side.dataset.side, side.value === view.dataset.view);
    }
    range.setAttribute("aria-label", `Scene ${box.dataset.scene}: ${name(sides[0])} left of the line, ${name(sides[1])} right`);
    cut();
  };
  const cut = () => {
    views.style.setProperty("--cut", `${range.value}%`);
    range.setAttribute("aria-valuetext", `${range.value} % ${name(sides[0])}`);
  };
  const follow = (event) => {
    if (event.type === "pointermove" && !event.buttons) return;
    const place = views.getBoundingClientRect();
    range.value = Math.round((100 * (event.clientX - place.left)) / place.width);
    cut();
  };
  views.addEventListener("pointerdown", (event) => {
    if (event.pointerType === "mouse") views.setPointerCapture(event.pointerId);
    follow(event);
    range.focus({ preventScroll: true });
    event.preventDefault();
  });
  views.addEventListener("pointermove", follow);
  range.addEventListener("input", cut);
  for (const side of sides) side.addEventListener("change", choose);
  for (const part of box.querySelectorAll("[hidden]")) part.hidden = false;
  for (const part of document.querySelectorAll(".how")) part.hidden = false;
  box.classList.add("live");
  choose();
}
