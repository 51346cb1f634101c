// What the scenarios of opening hours ask of a clock on the wall.
'use strict';

// Which hour it is in a zone, summer time included.
const hourIn = (zone, now) => Number(new Intl.DateTimeFormat('en-GB', { timeZone: zone, hour: '2-digit', hourCycle: 'h23' }).format(now));

function isOpen(hours, now) {
  const parts = new Intl.DateTimeFormat('en-CA', { timeZone: hours.timezone, weekday: 'short', year: 'numeric', month: '2-digit', day: '2-digit' }).formatToParts(now);
  const part = (type) => parts.find((one) => one.type === type).value;
  const day = `${part('year')}-${part('month')}-${part('day')}`;
  const [from, to] = (day in hours.special ? hours.special[day] : hours.week[part('weekday')]) || [0, 0];
  const hour = hourIn(hours.timezone, now);
  return hour >= from && hour < to;
}

module.exports = { hourIn, isOpen };
