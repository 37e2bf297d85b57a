const code = this.nextElementSibling;
const select = () => {
  getSelection().selectAllChildren(code);
  this.textContent = document.execCommand('copy') ? 'Copied' : 'Selected: press Ctrl+C';
};
/* There is no clipboard on a page that came over plain HTTP from another machine. */
if (navigator.clipboard) {
  navigator.clipboard.writeText(code.textContent).then(() => { this.textContent = 'Copied'; }, select);
} else {
  select();
}
