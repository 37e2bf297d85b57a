const mend = tries => {
  const box = this.closest('.widget-vbox');
  const sliders = box ? [...box.querySelectorAll('.widget-slider')] : [];
  if (sliders.filter(s => s.querySelector('[role=slider]')).length < SLIDERS && tries > 0) {
    setTimeout(() => mend(tries - 1), 100);
    return;
  }
  if (!box || box.dataset.headroom) return;
  box.dataset.headroom = 'panel';
  box.setAttribute('role', 'group');
  box.setAttribute('aria-label', NAME);
  for (const slider of sliders) {
    const label = slider.querySelector('.widget-label');
    const exact = slider.querySelector('.widget-readout');
    slider.querySelector('[role=slider]').setAttribute('aria-label', label.textContent + ': ' + label.title);
    if (!exact || !exact.isContentEditable) continue;
    exact.setAttribute('role', 'textbox');
    exact.setAttribute('aria-label', label.textContent + ', exact value');
    /* A number typed and left with Tab would be shown but not taken. */
    exact.addEventListener('blur', () => exact.dispatchEvent(new KeyboardEvent('keydown', {keyCode: 13, bubbles: true})));
  }
  /* Else the notebook's shortcuts answer too: arrows leave the cell, d d deletes it. */
  box.addEventListener('keydown', key => {
    const cell = box.closest('.jp-Cell');
    if (key.key === 'Escape' && cell) cell.focus();
    const command = key.ctrlKey || key.metaKey || key.altKey || key.key === 'Escape' || key.key === 'Enter' && key.shiftKey;
    if (!command) key.stopPropagation();
  });
  /* Readers announce changes within an element that stays; the view is drawn anew, so its first line is said again here. */
  const said = document.createElement('div');
  said.setAttribute('role', 'status');
  said.style.cssText = 'position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)';
  box.appendChild(said);
  let later;
  new MutationObserver(() => {
    clearTimeout(later);
    later = setTimeout(() => {
      const verdict = box.querySelector('.headroom-verdict');
      if (verdict && said.textContent !== verdict.textContent) said.textContent = verdict.textContent;
    }, 500);
  }).observe(box, {childList: true, subtree: true});
};
mend(100);
