"use strict";
// Shows what has arrived, by asking the sandbox again and again; text is only ever set as text.
const screen_ = document.getElementById("screen");
const began = Date.now();

function set(step, state, lines) {
  const item = document.querySelector(`[data-step="${step}"]`);
  item.className = state;
  const place = item.querySelector("span");
  place.replaceChildren(...lines.map(({ text, href }) => {
    const line = document.createElement(href ? "a" : "span");
    line.className = "line";
    line.textContent = text;
    if (href) line.href = href;
    return line;
  }));
}

function many(list) { return list.length > 1 ? "wrong" : list.length ? "done" : "open"; }

function show(now) {
  const last = now.deliveries.at(-1);
  set("webhook",
    !last ? "open" : last.state === "delivered" ? "done" : last.attempts ? "wrong" : "open",
    now.deliveries.length ? now.deliveries.map((one) => ({
      text: `${one.topic}：` + (one.attempts ? `${one.status ?? one.error}（${one.ms} ms、${one.attempts}回目）` : "送信待ち"),
    })) : [{ text: "購読なし" }]);
  set("member", many(now.members), now.members.length ? now.members.map((one) => ({
    text: `会員 ${one.id}：コード ${one.code}、会員番号 ${one.number ?? "—"}`, href: `/people/member/${one.id}`,
  })) : [{ text: "待っています" }]);
  set("contact", many(now.contacts), now.contacts.length ? now.contacts.map((one) => ({
    text: `コンタクト ${one.id}`, href: `/people/contact/${one.id}`,
  })) : [{ text: "待っています" }]);
  if (now.is_ready) {
    document.querySelector(".registering").hidden = true;
    document.querySelector(".complete").hidden = false;
    document.title = "会員登録が完了しました | 見本商店";
  }
  document.querySelector(".late").hidden = now.members.length > 0;
}

async function look() {
  let wait = 300;
  try {
    const answer = await fetch(screen_.dataset.state, { cache: "no-store" });
    if (answer.ok) show(await answer.json());
  } catch { wait = 2000; }
  // Eager at first, patient later: updates may still come.
  setTimeout(look, Date.now() - began < 30000 ? wait : 3000);
}
look();
