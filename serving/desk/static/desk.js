// What HTML and htmx cannot do: keys for buttons, dialogs, printing, and values that follow a slider.
"use strict";

document.addEventListener("click", (event) => {
  const target = event.target.closest("[data-opens], [data-closes], [data-prints], [data-fills]");
  if (target === null) return;
  if (target.dataset.opens) document.getElementById(target.dataset.opens).showModal();
  if (target.dataset.closes !== undefined) target.closest("dialog").close();
  if (target.dataset.prints !== undefined) window.print();
  if (target.dataset.fills) fill(target);
});

// A suggestion sets a field: data-fills="<id of the field>" data-value="<value>".
function fill(target) {
  const field = document.getElementById(target.dataset.fills);
  field.value = target.dataset.value;
  field.dispatchEvent(new Event("input", { bubbles: true }));
  field.dispatchEvent(new Event("change", { bubbles: true }));
  field.focus();
}

// data-key="1" presses a button with that key, unless somebody is writing.
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches("input, textarea, select")) return;
  const target = document.querySelector(`[data-key="${CSS.escape(event.key)}"]`);
  if (target !== null) target.click();
});

// data-shows="<id of an output>" on a range: its value, as it moves.
document.addEventListener("input", (event) => {
  const id = event.target.dataset ? event.target.dataset.shows : undefined;
  if (!id) return;
  const output = document.getElementById(id);
  const unit = event.target.dataset.unit || "";
  output.textContent = Number(event.target.value).toLocaleString("en-US") + unit;
});

// data-submits: a choice sends its form at once.
document.addEventListener("change", (event) => {
  if (event.target.dataset && event.target.dataset.submits !== undefined) event.target.form.requestSubmit();
});

// data-asks="<question>": what cannot be undone asks once.
document.addEventListener("submit", (event) => {
  const asks = event.submitter && event.submitter.dataset.asks;
  if (asks && !window.confirm(asks)) event.preventDefault();
});

// The token of the session's forms goes with every request of htmx.
document.addEventListener("htmx:configRequest", (event) => {
  const meta = document.querySelector("meta[name=csrf-token]");
  if (meta !== null) event.detail.headers["x-csrf-token"] = meta.content;
});
