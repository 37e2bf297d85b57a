/**
 * What the remedies do inside a DJL training: accumulation, checkpointing, half precision, LoRA, chunked attention.
 *
 * <p>May use: workload, memory.
 */
package io.headroom.training;
