"use strict";

// Shows only the entries that contain all the words; the words stand in the address, so that a search can be linked to.
const field = document.getElementById("search");
const found = document.getElementById("found");
const entries = [...document.querySelectorAll("section.entry, tbody > tr")];
const texts = entries.map((entry) => entry.textContent.toLowerCase());

function search() {
  const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
  let count = 0;
  entries.forEach((entry, index) => {
    entry.hidden = !words.every((word) => texts[index].includes(word));
    count += entry.hidden ? 0 : 1;
  });
  found.textContent = words.length > 0 ? `${count} of ${entries.length}` : "";
  const address = new URL(location.href);
  if (words.length > 0) address.searchParams.set("q", field.value);
  else address.searchParams.delete("q");
  history.replaceState(null, "", address);
}

field.addEventListener("input", search);
field.value = new URLSearchParams(location.search).get("q") ?? "";
if (field.value) search();
