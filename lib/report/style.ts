/** The style sheet of a report. Colours have a contrast of at least 4.5 for text and 3 for lines on their background, in both schemes. */
export const STYLE = `
:root {
  color-scheme: light dark;
  --page: #ffffff; --ink: #1b1f24; --quiet: #545d68; --rule: #d9dee4; --panel: #f5f7f9; --link: #0a58a8;
  --good: #10683a; --bad: #a8281f; --good-fill: #d9f2e3; --bad-fill: #fde2df; --heat: #2f7fc4;
  --series-0: #0b6bb5; --series-1: #c2500a; --series-2: #0f7a58; --series-3: #9a3f86; --series-4: #6d5d00; --series-5: #4a4f9c;
}
@media screen and (prefers-color-scheme: dark) {
  :root {
    --page: #14171b; --ink: #e7eaee; --quiet: #a8b2bd; --rule: #353c45; --panel: #1d2228; --link: #7ab8f5;
    --good: #7fd9a5; --bad: #ff9d92; --good-fill: #143826; --bad-fill: #4a1f1b; --heat: #3f7fb8;
    --series-0: #6cb6f5; --series-1: #f2a15e; --series-2: #5fd0a4; --series-3: #e295cf; --series-4: #d8c45a; --series-5: #a9aef5;
  }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--ink); font: 16px/1.5 system-ui, sans-serif; }
main, header, footer { max-width: 70rem; margin: 0 auto; padding: 0 1rem; }
h1 { font-size: 1.7rem; line-height: 1.2; margin: 1.5rem 0 .25rem; overflow-wrap: anywhere; }
h2 { font-size: 1.3rem; margin: 2.5rem 0 .75rem; padding-top: .75rem; border-top: 1px solid var(--rule); overflow-wrap: anywhere; }
h3 { font-size: 1.05rem; margin: 1.75rem 0 .5rem; overflow-wrap: anywhere; }
p, li, dd { overflow-wrap: anywhere; }
td, th { overflow-wrap: break-word; }
.quiet, figcaption, caption { color: var(--quiet); }
a { color: var(--link); }
:focus-visible { outline: 3px solid var(--link); outline-offset: 2px; }
.skip { position: absolute; left: -100rem; }
.skip:focus { left: 1rem; top: .5rem; background: var(--page); padding: .25rem .5rem; }
nav ul { display: flex; flex-wrap: wrap; gap: .25rem 1.25rem; list-style: none; padding: 0; margin: .75rem 0; }
.facts { display: grid; grid-template-columns: repeat(auto-fit, minmax(9rem, 1fr)); gap: .75rem; margin: 1rem 0; }
.facts div { background: var(--panel); border: 1px solid var(--rule); border-radius: .4rem; padding: .5rem .75rem; }
.facts dt { color: var(--quiet); font-size: .85rem; }
.facts dd { margin: 0; font-size: 1.25rem; font-variant-numeric: tabular-nums; }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 26rem), 1fr)); gap: 1.5rem; }
figure { margin: 0; min-width: 0; max-width: 36rem; }
figure.square { max-width: 27rem; }
figure > svg { display: block; width: 100%; height: auto; }
figure svg text { white-space: pre; }
figcaption { font-weight: 600; margin-bottom: .25rem; overflow-wrap: anywhere; }
.legend { display: flex; flex-wrap: wrap; gap: .1rem 1rem; list-style: none; padding: 0; margin: .25rem 0; font-size: .85rem; }
.scroll { overflow-x: auto; max-width: 100%; margin: .5rem 0; }
table { border-collapse: collapse; font-size: .9rem; }
caption { text-align: start; font-weight: 600; padding-bottom: .25rem; }
caption span { display: block; position: sticky; left: 0; max-width: calc(100vw - 2rem); overflow-wrap: anywhere; }
th, td { padding: .25rem .6rem; border-bottom: 1px solid var(--rule); text-align: start; vertical-align: top; }
th { font-weight: 600; }
th[scope=row] { font-weight: 400; max-width: 22rem; }
.number { text-align: end; font-variant-numeric: tabular-nums; white-space: nowrap; overflow-wrap: normal; }
.matrix td { background: color-mix(in srgb, var(--heat) calc(var(--share, 0) * 45%), transparent); text-align: end; min-width: 2.6rem; font-variant-numeric: tabular-nums; }
.matrix .right { outline: 2px solid var(--good); outline-offset: -2px; }
.matrix thead th { max-width: 10rem; font-size: .8rem; padding-inline: .3rem; font-weight: 400; vertical-align: bottom; }
details { margin: .5rem 0; }
summary { cursor: pointer; color: var(--link); width: fit-content; overflow-wrap: anywhere; }
.mistakes { list-style: none; padding: 0; margin: 0; display: grid; gap: .6rem; grid-template-columns: repeat(auto-fit, minmax(min(100%, 30rem), 1fr)); }
.mistakes > li { background: var(--panel); border: 1px solid var(--rule); border-radius: .4rem; padding: .6rem .8rem; }
.mistakes p { margin: .15rem 0; white-space: pre-wrap; }
.mistakes .role { display: inline-block; min-width: 5.5rem; color: var(--quiet); font-size: .85rem; }
mark { color: inherit; padding: .05rem .2rem; border-radius: .2rem; border-bottom: 2px solid; }
mark.right { background: var(--good-fill); border-color: var(--good); }
mark.wrong { background: var(--bad-fill); border-color: var(--bad); border-bottom-style: dashed; }
mark small { font-size: .75rem; color: var(--ink); margin-inline-start: .3rem; }
pre { background: var(--panel); border: 1px solid var(--rule); border-radius: .4rem; padding: .75rem; overflow-x: auto; font-size: .85rem; white-space: pre-wrap; overflow-wrap: anywhere; }
footer { margin-top: 3rem; padding-bottom: 2rem; color: var(--quiet); font-size: .85rem; }
@media (max-width: 30rem) { figure svg { font-size: 15px; } }
@media print {
  :root { color-scheme: light; --panel: #fff; }
  nav, .skip, details.data { display: none; }
  body { font-size: 10pt; }
  main, header, footer { max-width: none; }
  .charts { grid-template-columns: 1fr 1fr; }
  figure, .mistakes > li, tr { break-inside: avoid; }
  h2, h3, figcaption { break-after: avoid; }
  .scroll { overflow: visible; }
  td, th { overflow-wrap: anywhere; }
  .matrix td { min-width: 0; }
}
`
