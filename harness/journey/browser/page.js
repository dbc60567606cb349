// Looks at the page as a person does: what is not rendered is not there. Given {find, gone, fields, declined, whole} it says what of it is seen.
function look(ask) {
  const rendered = e => e.checkVisibility({ visibilityProperty: true, opacityProperty: true });
  const text = e => (e.value !== undefined && /^(INPUT|TEXTAREA|SELECT)$/.test(e.tagName) ? e.value : e.innerText ?? e.textContent).trim();
  const first = css => { for (const e of document.querySelectorAll(css)) if (rendered(e)) return e; return null; };
  const out = { loading: document.readyState === 'loading' };
  try {
    if (ask.declined) { const e = first(ask.declined); if (e) out.declined = text(e) || ask.declined; }
    if (ask.whole) out.text = (document.body?.innerText ?? '').slice(0, ask.whole);
    if (ask.gone) out.gone = !first(ask.gone);
    if (ask.find) {
      const e = first(ask.find);
      if (e) { out.found = true; out.text = text(e); if (ask.act) ask.act === 'point' ? point(e) : choose(e); }
    }
    if (ask.fields) out.fields = ask.fields.map(f => {
      if (f.attr) { const e = document.querySelector(f.css); return e ? (f.attr === 'value' ? e.value : e.getAttribute(f.attr)) ?? null : null; }
      const e = first(f.css);
      return e ? text(e) : null;
    });
  } catch (error) {
    if (error.name !== 'SyntaxError') throw error;
    out.bad = error.message;
  }
  return out;

  // Where the element can be hit: not while it is disabled, moving away, or under something else.
  function point(e) {
    e.scrollIntoView({ block: 'center', inline: 'center', behavior: 'instant' });
    const r = e.getClientRects()[0] ?? e.getBoundingClientRect(), x = r.left + r.width / 2, y = r.top + r.height / 2, hit = document.elementFromPoint(x, y);
    out.ready = !e.disabled && !!hit && (e.contains(hit) || hit.contains(e) && getComputedStyle(hit).display === 'inline' || e.labels && [...e.labels].some(l => l.contains(hit)));
    out.x = x; out.y = y;
    if (out.ready && ask.focus) { e.focus(); e.select?.(); }
  }
  function choose(e) {
    const option = [...e.options ?? []].find(o => o.text.trim() === ask.option || o.value === ask.option);
    out.ready = !e.disabled && !!option && !option.disabled;
    if (!out.ready) return;
    e.value = option.value;
    e.dispatchEvent(new Event('input', { bubbles: true }));
    e.dispatchEvent(new Event('change', { bubbles: true }));
  }
}
