// Answers to what libwool asks. One that comes too late, as nobody waits for it any more, does nothing.
import { native } from './native.js';

/** Instead of an index: whoever was asked could not decide, and the next worker in turn is taken. */
export const UNDECIDED = Number.MAX_SAFE_INTEGER;

/** @param index of the worker that gets the call; negative: none of them; {@link UNDECIDED} */
export function answerChoice(handle: bigint, index: number): void {
  try {
    native.answerChoice(handle, index);
  } catch {
    // The call has ended meanwhile, or nobody could decide, which is answered by an error, too.
  }
}

/** @param answer whether the identity is believed; or why that could not be decided */
export function answerPeerCheck(handle: bigint, answer: boolean | string): void {
  try {
    if (typeof answer === 'string') {
      native.failPeerCheck(handle, answer);
    } else {
      native.answerPeerCheck(handle, answer);
    }
  } catch {
    // The runtime has been closed meanwhile.
  }
}

/** @param status 0, or that of an error with this message */
export function answerPublication(handle: bigint, status: number, message: string): void {
  try {
    native.answerPublication(handle, status, message);
  } catch {
    // The runtime has been closed meanwhile.
  }
}
