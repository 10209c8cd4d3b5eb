// Copies the new key's secret. Without JavaScript the button stays hidden and the field can be selected by hand.
const field = document.getElementById("secret");
const button = document.getElementById("copy");

field.select();
if (navigator.clipboard) {
  button.hidden = false;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(field.value);
    button.textContent = button.dataset.copied;
  });
}
