/**
 * Training steps on a CUDA device as operators over time: autograd without numbers, published networks, the peaks.
 *
 * <p>May use: workload, allocator.
 */
package io.headroom.budget.cuda;
