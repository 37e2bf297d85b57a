/**
 * What the remedies do inside a DJL training (accumulation, checkpointing, half precision, LoRA, chunked attention), and steps
 * that run: one measured, a few small ones that tell of a large one.
 *
 * <p>May use: workload, memory.
 */
package io.headroom.training;
