// Keeps the list of messages up to date: asks for it anew whenever the server says that there is something new. Without this script
// the page is the same, and has to be reloaded.
'use strict';

(() => {
  const { path, newest, current } = document.body.dataset;
  const list = document.getElementById('list');
  const news = document.getElementById('news');
  const live = document.getElementById('live');
  const reload = document.getElementById('reload');
  if (!list || !window.EventSource) {
    return;
  }
  let shown = Number(newest);
  let wanted = shown;
  let unread = 0;
  let asking = false;

  const setTitle = () => {
    document.title = document.title.replace(/^\(\d+\) /, '');
    if (unread > 0) {
      document.title = `(${unread}) ${document.title}`;
    }
  };

  // refresh puts the newest list in place of the one that is shown. What had the focus keeps it.
  const refresh = async () => {
    if (asking) {
      return;
    }
    asking = true;
    try {
      while (shown !== wanted) {
        const target = wanted;
        const response = await fetch(`${path}/list?current=${current}`);
        if (!response.ok) {
          throw new Error(response.statusText);
        }
        const focused = list.contains(document.activeElement) ? document.activeElement.id : '';
        const scrolled = list.scrollTop;
        list.innerHTML = await response.text();
        list.scrollTop = scrolled;
        if (focused) {
          document.getElementById(focused)?.focus({ preventScroll: true });
        }
        document.body.classList.toggle('nothing', !list.querySelector('.messages'));
        for (const message of list.querySelectorAll('.message')) {
          message.classList.toggle('new', Number(message.id.slice(1)) > shown);
        }
        const count = target - shown;
        news.textContent = count === 1 ? 'One new message.' : count > 1 ? `${count} new messages.` : '';
        unread = document.hidden ? unread + Math.max(count, 0) : 0;
        setTitle();
        shown = target;
      }
      setLive(true);
    } catch {
      setLive(false);
    } finally {
      asking = false;
    }
  };

  const setLive = (on) => {
    live.hidden = !on;
    reload.hidden = on;
  };

  const updates = new EventSource(`${path}/updates`);
  updates.onmessage = (event) => {
    wanted = Number(event.data);
    refresh();
  };
  updates.onerror = () => setLive(false);
  document.addEventListener('visibilitychange', () => {
    if (!document.hidden) {
      unread = 0;
      setTitle();
    }
  });
})();
