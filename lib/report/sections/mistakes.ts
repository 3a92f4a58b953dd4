import { clip, markup, number, percent, quoted, type Html } from '../html'
import type { HeadDetails, MarkedSpan, Mistake } from '../record'

/** The wrong predictions of which the head was most confident. */
export function mistakesOf({ mistakes, wrong }: HeadDetails): Html {
  if (mistakes.length === 0) return markup`<h3>Mistakes</h3><p>None.</p>`
  const which = mistakes.length < wrong ? `The ${mistakes.length} most confident of ${number(wrong)}` : 'All'
  return markup`<h3>Mistakes</h3><p>${which}, most confident first.${mistakes.some(({ entities }) => entities) ? ' Entities that only one of the two lines has are marked with ✗.' : undefined}</p><ol class="mistakes">${mistakes.map(itemOf)}</ol>`
}

function itemOf(mistake: Mistake): Html {
  const { example, confidence, loss, text, entities } = mistake
  const facts = markup`<p class="quiet">Example ${number(example)}, confidence ${percent(confidence)}${loss === null ? undefined : `, loss ${number(loss)}`}</p>`
  if (entities) {
    return markup`<li>${facts}${line('gold', marked(text, entities.gold, entities.predicted))}${line('predicted', marked(text, entities.predicted, entities.gold))}</li>`
  }
  const list = (labels: readonly string[]) =>
    labels.length === 0 ? 'none' : labels.map((label, i) => markup`${i > 0 ? ', ' : ''}${quoted(label, 60)}`)
  return markup`<li>${facts}<p dir="auto">${clip(text, 1000)}</p>${line('gold', markup`${list(mistake.gold)}`)}${line('predicted', markup`${list(mistake.predicted)}`)}</li>`
}

function line(role: string, content: Html): Html {
  return markup`<p><span class="role">${role}</span> ${content}</p>`
}

/** The text with its entities marked: those that the other side has too, and those that it does not. */
function marked(text: string, spans: readonly MarkedSpan[], others: readonly MarkedSpan[]): Html {
  const parts: Html[] = []
  let at = 0
  for (const { start, end, label } of [...spans].sort((a, b) => a.start - b.start)) {
    if (start < at || end > text.length) continue
    const agrees = others.some((other) => other.start === start && other.end === end && other.label === label)
    const kind = agrees ? 'right' : 'wrong'
    parts.push(
      markup`${text.slice(at, start)}<mark class="${kind}"><bdi>${text.slice(start, end)}</bdi><small>${quoted(label, 40)}${agrees ? '' : ' ✗'}</small></mark>`,
    )
    at = end
  }
  return markup`<bdi>${parts}${text.slice(at)}</bdi>`
}
