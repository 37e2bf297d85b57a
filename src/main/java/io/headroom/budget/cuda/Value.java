package io.headroom.budget.cuda;

/** A tensor by its shape alone: where its bytes are, which node made it, and whether its gradient passes through a view. */
final class Value {
    final Memory memory;
    final long[] shape;
    final int element;
    final Node source;
    final int port;
    final boolean viewed;

    private final long count;

    /** Set for parameters: the gradient collected so far and the edges still to come. */
    final Leaf leaf;

    Value(Memory memory, long[] shape, int element, Node source, int port, boolean viewed, Leaf leaf) {
        this.memory = memory;
        this.shape = shape;
        this.element = element;
        this.source = source;
        this.port = port;
        this.viewed = viewed;
        this.leaf = leaf;
        this.count = Ops.size(shape);
    }

    boolean needsGradient() {
        return source != null || leaf != null;
    }

    /** The same tensor with other dimensions: no bytes, but its gradient comes back as a view. */
    Value view(long... dimensions) {
        return new Value(memory, dimensions, element, source, port, true, leaf);
    }

    Value detach() {
        return new Value(memory, shape, element, null, 0, false, null);
    }

    long count() {
        return count;
    }

    long bytes() {
        return count * element;
    }

    /** The last dimension. */
    long width() {
        return shape[shape.length - 1];
    }

    /** Everything but the last dimension. */
    long rows() {
        return count / width();
    }

    long dim(int index) {
        return shape[index < 0 ? shape.length + index : index];
    }

    /** What a parameter owns besides its bytes. */
    static final class Leaf {
        final String name;
        Grad gradient;
        Grad buffer;
        int pending;

        Leaf(String name) {
            this.name = name;
        }
    }
}
