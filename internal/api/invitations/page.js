"use strict";
(() => {
  const form = document.querySelector("form"), password = document.getElementById("password"), show = document.getElementById("show");
  show.addEventListener("click", () => {
    const text = show.textContent, label = show.getAttribute("aria-label");
    show.textContent = show.dataset.text;
    show.setAttribute("aria-label", show.dataset.label);
    show.dataset.text = text;
    show.dataset.label = label;
    password.type = password.type === "password" ? "text" : "password";
  });
  show.hidden = false;
  let sent = false;
  form.addEventListener("submit", (event) => {
    if (sent) {
      event.preventDefault();
      return;
    }
    sent = true;
    setTimeout(() => { sent = false; }, 5000);
    password.type = "password";
  });
})();
