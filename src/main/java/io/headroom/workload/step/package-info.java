/**
 * A training step as operators over time: which tensors each one allocates, keeps for the backward pass and frees.
 *
 * <p>May use: trace.
 */
package io.headroom.workload.step;
