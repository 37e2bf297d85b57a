package io.headroom.training;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDArrays;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDScope;
import ai.djl.ndarray.index.NDIndex;
import ai.djl.ndarray.types.DataType;
import ai.djl.nn.norm.Dropout;

/**
 * {@code softmax(Q Kᵀ / √H + mask) V} for a slice of the queries at a time, forward and back.
 *
 * <p>Each slice is exact, since a query's softmax needs no other query. Shapes: Q {@code [B, N, T, H]}, K and V {@code [B,
 * N, F, H]}, mask {@code [B, T, F]}, or {@code [B, 1, T, F]} as an offset to add, or null.
 */
record SlicedScores(int chunks, float dropout) {
    private static final float MASKED = -100_000f;

    /** Without a graph, each slice's scores freed before the next. */
    NDArray forward(NDArray q, NDArray k, NDArray v, NDArray mask, boolean training, long seed) {
        NDList slices = new NDList();
        for (int i = 0; i < chunks(q); i++) {
            long from = from(q, i);
            long to = from(q, i + 1);
            int chunk = i;
            slices.addAll(Replay.unrecorded(new NDList(q, k, v), arrays -> {
                if (training && dropout > 0) {
                    Autograd.seed(seed + chunk);
                }
                NDArray part = cut(arrays.get(0), 2, from, to);
                return new NDList(slice(part, arrays.get(1), arrays.get(2), offset(mask, from, to), training));
            }));
        }
        NDArray joined = NDArrays.concat(slices, 2);
        slices.close();
        return joined;
    }

    /** The gradients of Q, K and V from that of the result: every slice computed again, back-propagated and freed. */
    NDList backward(NDArray q, NDArray k, NDArray v, NDArray mask, NDArray upstream, long seed) {
        NDArray keys = Autograd.leaf(k);
        NDArray values = Autograd.leaf(v);
        NDArray queries = q.stopGradient();
        keys.setRequiresGradient(true);
        values.setRequiresGradient(true);
        NDList slices = new NDList();
        for (int i = 0; i < chunks(q); i++) {
            long from = from(q, i);
            long to = from(q, i + 1);
            NDArray gradient;
            try (NDScope scope = new NDScope()) {
                scope.suppressNotUsedWarning();
                NDArray part = cut(queries, 2, from, to).stopGradient();
                part.setRequiresGradient(true);
                if (dropout > 0) {
                    Autograd.seed(seed + i);
                }
                NDArray out = slice(part, keys, values, offset(mask, from, to), true);
                Autograd.backward(out, cut(upstream, 2, from, to), false);
                gradient = Autograd.gradient(part);
                NDScope.unregister(gradient);
            }
            NDScope.register(gradient);
            slices.add(gradient);
        }
        NDArray joined = NDArrays.concat(slices, 2);
        slices.close();
        return new NDList(joined, Autograd.gradient(keys), Autograd.gradient(values));
    }

    private NDArray slice(NDArray q, NDArray k, NDArray v, NDArray offset, boolean training) {
        NDArray scores = q.matMul(k.transpose(0, 1, 3, 2));
        NDArray scaled = scores.mul(1f / (float) Math.sqrt(q.getShape().get(3)));
        NDArray probabilities = (offset == null ? scaled : scaled.add(offset)).softmax(3);
        NDArray kept = dropout == 0 || !training
                ? probabilities
                : Dropout.dropout(probabilities, dropout, true).head();
        return kept.matMul(v);
    }

    /** What DJL's attention adds to the scores: a mask of four dimensions is such an offset already, as BertBlock's. */
    private static NDArray offset(NDArray mask, long from, long to) {
        if (mask == null) {
            return null;
        }
        boolean ready = mask.getShape().dimension() == 4;
        NDArray rows = ready ? mask : mask.expandDims(1);
        NDArray part = rows.getShape().get(2) == 1 ? rows : cut(rows, 2, from, to);
        return ready
                ? part
                : part.toType(DataType.FLOAT32, false).mul(-1f).add(1f).mul(MASKED);
    }

    private int chunks(NDArray q) {
        return (int) Math.min(chunks, q.getShape().get(2));
    }

    private long from(NDArray q, int chunk) {
        return chunk * q.getShape().get(2) / chunks(q);
    }

    private static NDArray cut(NDArray array, int axis, long from, long to) {
        return array.get(new NDIndex(":, ".repeat(axis) + from + ":" + to));
    }
}
