// Says why accepted pictures wait, and how long the rest takes, from what the fleet reports.

import { counted } from "./labels.js";

/** @typedef {import("../service/api.js").Fleet} Fleet */

/** A sentence for pictures that are queued. @param {Fleet | null} fleet null if it is unknown @param {number} now */
export function whyQueued(fleet, now) {
  if (!fleet?.instances) return "";
  const running = fleet.instances.filter(({ state }) => state === "running");
  if (running.length > 0) {
    return fleet.waiting > 0
      ? `${counted(fleet.waiting, "picture")} ${fleet.waiting === 1 ? "waits" : "wait"} for ${counted(running.length, "instance")}.`
      : `${running.length === 1 ? "An instance works" : `${running.length} instances work`} on it.`;
  }
  const booting = fleet.instances.filter(({ state }) => state === "pending");
  if (booting.length > 0) {
    const launched = Math.min(...booting.map(({ launchedAt }) => Date.parse(launchedAt) || now));
    const left = Math.round(fleet.bootTimeSeconds - (now - launched) / 1000);
    const time = left > 0 ? `, about ${seconds(left)}` : "; it takes longer than usual";
    return `${counted(booting.length, "instance")} ${booting.length === 1 ? "boots" : "boot"}${time}.`;
  }
  return "No instance runs yet. The scaler starts one.";
}

/**
 * How long the pictures left will take, in words; empty if that is unknown.
 * @param {number} left how many have no result yet @param {number} rate results a second on this page
 * @param {Fleet | null} fleet @param {number} now
 */
export function timeLeft(left, rate, fleet, now) {
  if (left === 0) return "";
  const running = fleet?.instances?.filter(({ state }) => state === "running").length ?? 0;
  if (rate > 0) return `About ${seconds(Math.ceil(left / rate))} left`;
  if (running > 0 || !fleet?.instances) return "";
  const boot = whyQueued(fleet, now);
  return boot.includes("about") ? boot.slice(0, -1) : "";
}

/** How long pictures wait at most, in words; empty without a deadline. @param {Date | undefined} deadline @param {number} now */
export function untilWhen(deadline, now) {
  if (!deadline) return "";
  const isToday = deadline.toDateString() === new Date(now).toDateString();
  const day = isToday ? {} : /** @type {const} */ ({ weekday: "long" });
  return `Pictures wait until ${deadline.toLocaleString("en-GB", { ...day, hour: "2-digit", minute: "2-digit" })}`;
}

/** @param {number} count */
function seconds(count) {
  if (count < 90) return `${count} s`;
  return count < 5400 ? `${Math.round(count / 60)} min` : `${Math.round(count / 3600)} h`;
}
