// Notifications of the browser. It is asked for them by a press of a button, and never by itself.
const able = "Notification" in window;

export const mayAsk = () => able && Notification.permission === "default";

export const ask = () => Notification.requestPermission();

// tag: the same thing told twice, by two pages or after a reload, is shown once.
export function notify({ title, body, tag, open }) {
  if (!able || Notification.permission !== "granted") return;
  const told = new Notification(title, { body, tag, icon: "/static/icon.svg" });
  told.onclick = () => { window.focus(); open(); told.close(); };
}
