package io.headroom.workload.step;

/** DJL's {@code BertNextSentenceBlock}: two classes and the logarithm of their softmax. */
final class SentenceLayer extends Layer {
    private final LinearLayer classes = new LinearLayer("weight", 2);

    @Override
    long[] load(Loader loader, long[] in) {
        return classes.load(loader, in);
    }

    @Override
    Value forward(Operators ops, Value x) {
        return ops.logSoftmax(classes.forward(ops, x));
    }
}
