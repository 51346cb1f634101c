/**
 * The sound of an offer: two soft tones, repeated until it is answered or gone. Made here, so
 * there is no file to load.
 *
 * - Browsers play nothing before someone has touched the page; `isBlocked` says so.
 */
const REPEAT_MS = 2_400;
const TONES = [
  { hz: 659.25, atS: 0 },
  { hz: 880, atS: 0.18 },
] as const;
const TONE_S = 0.5;
const LOUDNESS = 0.16;

export class Ring {
  #context: AudioContext | null = null;
  #timer: ReturnType<typeof setInterval> | undefined;

  /** Call on a click or key: only then may a page begin to sound. */
  unlock(): void {
    if (typeof AudioContext === 'undefined') return;
    this.#context ??= new AudioContext();
    if (this.#context.state === 'suspended') void this.#context.resume().catch(() => undefined);
  }

  get isBlocked(): boolean {
    return this.#context === null || this.#context.state !== 'running';
  }

  get isRinging(): boolean {
    return this.#timer !== undefined;
  }

  start(): void {
    if (this.#timer !== undefined) return;
    this.once();
    this.#timer = setInterval(() => this.once(), REPEAT_MS);
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  once(): void {
    const context = this.#context;
    if (context === null || context.state !== 'running') return;
    for (const tone of TONES) {
      const start = context.currentTime + tone.atS;
      const oscillator = new OscillatorNode(context, { type: 'sine', frequency: tone.hz });
      const gain = new GainNode(context, { gain: 0 });
      gain.gain.setValueAtTime(0, start);
      gain.gain.linearRampToValueAtTime(LOUDNESS, start + 0.02);
      gain.gain.exponentialRampToValueAtTime(0.0001, start + TONE_S);
      oscillator.connect(gain).connect(context.destination);
      oscillator.start(start);
      oscillator.stop(start + TONE_S);
    }
  }
}

export const ring = new Ring();
