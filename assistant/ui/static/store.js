/* Conversations as the browser keeps them: one entry of localStorage each, so that two tabs never overwrite each
 * other's. What is read is not trusted: it is taken apart field by field, and drawn as text alone.
 *
 * conversation: { id, title, named, created, updated, turns }, times in milliseconds
 * turn: { id, at, question, state, reply, language, confidence, note, sources, closest, verdict, reason }
 */

import { newId } from "./base.js";

const VERSION = 1;
const PREFIX = "dalil-chat";
const MAX_CONVERSATIONS = 100;
const MAX_TURNS = 200;
const MAX_TEXT = 100_000;
const STATES = ["pending", "streaming", "answered", "abstained", "failed", "stopped"];

/* ---- reading what is not trusted ---- */

class Unusable extends Error {}

const check = (well) => { if (!well) throw new Unusable(); };
const string = (value, limit = MAX_TEXT) => {
  check(typeof value === "string" && value.length <= limit);
  return value;
};
const whole = (value) => {
  check(Number.isSafeInteger(value) && value >= 0);
  return value;
};
const wholeOrNothing = (value) => (value === null || value === undefined ? null : whole(value));
const oneOf = (value, choices) => {
  check(choices.includes(value));
  return value;
};
const list = (value, limit, each) => {
  check(Array.isArray(value) && value.length <= limit);
  return value.map(each);
};
const id = (value) => {
  check(typeof value === "string" && /^[A-Za-z0-9-]{1,64}$/.test(value));
  return value;
};
const language = (value) => (/^[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8})*$/.test(string(value, 40)) ? value : "und");
const record = (value) => {
  check(typeof value === "object" && value !== null && !Array.isArray(value));
  return value;
};

const readPlace = (value) => {
  const place = record(value);
  return {
    document_id: string(place.document_id, 2000),
    title: string(place.title, 2000),
    language: language(place.language),
    quote: string(place.quote),
    start: wholeOrNothing(place.start),
    end: wholeOrNothing(place.end),
    digest: string(place.digest, 64),
    before: string(place.before),
    after: string(place.after),
    page: wholeOrNothing(place.page),
    origin: string(place.origin, 2000),
    date: string(place.date, 100),
  };
};

const readFact = (value) => {
  if (value === null || value === undefined) return null;
  const fact = record(value);
  return {
    id: string(fact.id, 500),
    statement: string(fact.statement),
    language: language(fact.language),
    as_of: string(fact.as_of, 100),
  };
};

const readSource = (value) => {
  const source = record(value);
  return { number: whole(source.number), place: readPlace(source.place), fact: readFact(source.fact) };
};

/** What the server says of a turn; null where it is anything else. */
export const readReply = (value) => {
  try {
    const reply = record(value);
    return {
      id: id(reply.id),
      state: oneOf(reply.state, STATES),
      reply: string(reply.reply),
      language: language(reply.language),
      confidence: oneOf(reply.confidence, ["high", "medium", "low"]),
      note: string(reply.note),
      sources: list(reply.sources, 100, readSource),
      closest: list(reply.closest, 20, readPlace),
    };
  } catch (error) {
    if (error instanceof Unusable) return null;
    throw error;
  }
};

const readTurn = (value) => {
  const turn = { ...readReply(record(value)) };
  check(turn.id);
  // Whoever was answering is gone with the page.
  if (turn.state === "pending" || turn.state === "streaming") turn.state = "stopped";
  return {
    ...turn,
    at: whole(value.at),
    question: string(value.question),
    verdict: oneOf(value.verdict, ["", "up", "down"]),
    reason: string(value.reason, 2000),
  };
};

const readConversation = (text) => {
  try {
    const value = record(JSON.parse(text));
    check(value.version === VERSION);
    return {
      id: id(value.id),
      title: string(value.title, 500),
      named: value.named === true,
      created: whole(value.created),
      updated: whole(value.updated),
      turns: list(value.turns, MAX_TURNS, readTurn),
    };
  } catch (error) {
    if (error instanceof Unusable || error instanceof SyntaxError) return null;
    throw error;
  }
};

/* ---- keeping ---- */

let prefix = `${PREFIX}-`;

/** Whose conversations are meant: people who share a browser do not see each other's. */
export const setOwner = (name) => { prefix = name === null ? `${PREFIX}-` : `${PREFIX}@${encodeURIComponent(name)}-`; };

const memory = new Map(); // what could not be stored
const gone = new Set(); // deleted here or in another tab: an answer that still comes must not bring them back
const dropped = new Set(); // turns that were replaced, so that merging does not bring them back

let storage = null;
try {
  localStorage.setItem("dalil-probe", "1");
  localStorage.removeItem("dalil-probe");
  storage = localStorage;
} catch { /* forbidden or full: conversations last as long as the page */ }

const write = (conversation) => {
  const text = JSON.stringify({ version: VERSION, ...conversation });
  while (storage) {
    try {
      storage.setItem(prefix + conversation.id, text);
      memory.delete(conversation.id);
      return;
    } catch {
      const oldest = all().filter((one) => one.id !== conversation.id && !memory.has(one.id)).pop();
      if (!oldest) break;
      storage.removeItem(prefix + oldest.id);
    }
  }
  memory.set(conversation.id, text);
};

const read = (conversationId) => {
  const text = memory.get(conversationId) ?? storage?.getItem(prefix + conversationId);
  return text ? readConversation(text) : null;
};

const all = () => {
  const ids = new Set(memory.keys());
  for (let at = 0; storage && at < storage.length; at += 1) {
    const key = storage.key(at);
    if (key.startsWith(prefix)) ids.add(key.slice(prefix.length));
  }
  return [...ids].map(read).filter(Boolean).sort((one, other) => other.updated - one.updated);
};

export const isKept = () => storage !== null && memory.size === 0;

export const newConversation = () => {
  const now = Date.now();
  return { id: newId(), title: "", named: false, created: now, updated: now, turns: [] };
};

/** Conversations, the last one first. */
export const conversations = all;
export const load = read;

/** Keep a conversation, together with what another tab has added to it meanwhile. */
export const save = (conversation) => {
  if (gone.has(conversation.id) || !conversation.turns.length) return;
  const mine = new Set(conversation.turns.map((turn) => turn.id));
  const others = (read(conversation.id)?.turns ?? []).filter((turn) => !mine.has(turn.id) && !dropped.has(turn.id));
  if (others.length) conversation.turns = [...conversation.turns, ...others].sort((a, b) => a.at - b.at);
  conversation.turns = conversation.turns.slice(-MAX_TURNS);
  if (!conversation.named) conversation.title = titleOf(conversation);
  conversation.updated = Math.max(conversation.updated, ...conversation.turns.map((turn) => turn.at));
  write(conversation);
  all().slice(MAX_CONVERSATIONS).forEach((one) => erase(one.id));
};

const titleOf = (conversation) => {
  const first = conversation.turns[0].question.replace(/\s+/g, " ").trim();
  return first.length > 120 ? `${first.slice(0, 120).replace(/\s+\S*$/, "")}…` : first;
};

/** A turn makes room for another answer to its question. */
export const dropTurn = (conversation, turn) => {
  dropped.add(turn.id);
  conversation.turns = conversation.turns.filter((one) => one.id !== turn.id);
};

const erase = (conversationId) => {
  memory.delete(conversationId);
  storage?.removeItem(prefix + conversationId);
};

export const remove = (conversationId) => {
  gone.add(conversationId);
  erase(conversationId);
};

export const restore = (conversation) => {
  gone.delete(conversation.id);
  write(conversation);
};

/** Have `changed(id, removed)` called when another tab changes a conversation; id is null for all of them. */
export const watch = (changed) => {
  addEventListener("storage", (event) => {
    if (event.key !== null && !event.key.startsWith(prefix)) return;
    const conversationId = event.key?.slice(prefix.length) ?? null;
    const removed = event.newValue === null;
    if (conversationId && removed) gone.add(conversationId);
    if (conversationId && !removed) gone.delete(conversationId);
    changed(conversationId, removed);
  });
};
