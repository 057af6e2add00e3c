// Puts each error beside the field that caused it, and marks fields that say something.
function tell(places, all) {
  places.forEach(function (place) {
    const input = document.getElementById(place.dataset.field);
    const text = all[place.dataset.field] || "";
    if (place.textContent !== text) place.textContent = text;
    if (input) {
      input.setAttribute("aria-invalid", text ? "true" : "false");
      input.setAttribute("aria-describedby", place.id);
    }
  });
}
function within(page) {
  return document.querySelectorAll('[data-value="' + page + '"] .field-error');
}
$(document).on("shiny:connected", function () {
  Shiny.addCustomMessageHandler("field-errors", (all) => tell(within("case"), all));
  Shiny.addCustomMessageHandler("quiz-errors", (all) => tell(within("quiz"), all));
  Shiny.addCustomMessageHandler("open-groups", function (opened) {
    document.querySelectorAll("details[data-group]").forEach(function (group) {
      if (opened.groups.includes(group.dataset.group)) group.open = true;
    });
  });
});
$(document).on("shiny:inputchanged", function (event) {
  const input = document.getElementById(event.name);
  const box = input && input.closest(".field");
  if (box) box.classList.toggle("set", Boolean(event.value));
});
