/**
 * From what an error states to what it means: cause, evidence, remedies ranked by bytes.
 *
 * <p>May use: oom, remedy, memory.
 */
package io.headroom.diagnosis;
