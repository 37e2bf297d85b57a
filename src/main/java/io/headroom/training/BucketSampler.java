package io.headroom.training;

import ai.djl.training.dataset.RandomAccessDataset;
import ai.djl.training.dataset.Sampler;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Comparator;
import java.util.Iterator;
import java.util.List;
import java.util.Random;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * Puts samples of similar length into one batch and bounds a batch by its tokens, padding included, not by its samples.
 *
 * <p>A batch padded to its longest sample holds {@code samples × longest} tokens; that product stays within the budget, so
 * the peak is the same for short and for long sequences. Use with {@code PaddingStackBatchifier}.
 *
 * <pre>{@code
 * Sampler sampler = BucketSampler.of(lengths, 8192).shuffle(42);
 * dataset = builder.setSampling(sampler).build();
 * }</pre>
 *
 * <p>Batches are shuffled, samples within a length are too. Not for several threads at once.
 */
public final class BucketSampler implements Sampler {
    private final int[] lengths;
    private final long maxTokens;
    private Random random;

    private BucketSampler(int[] lengths, long maxTokens) {
        this.lengths = lengths;
        this.maxTokens = maxTokens;
    }

    /**
     * A sampler for samples of these lengths, in order of the data set.
     *
     * @throws IllegalArgumentException if a length is below 1 or alone above the budget; names the sample
     */
    public static BucketSampler of(int[] lengths, long maxTokens) {
        for (int i = 0; i < lengths.length; i++) {
            if (lengths[i] < 1 || lengths[i] > maxTokens) {
                throw new IllegalArgumentException("sample " + i + " has length " + lengths[i]
                        + ": lengths must be from 1 to maxTokens = " + maxTokens + ". Cut it, or raise maxTokens.");
            }
        }
        return new BucketSampler(lengths.clone(), maxTokens);
    }

    /** Shuffles batches, and samples of one length, anew in each epoch. */
    public BucketSampler shuffle(long seed) {
        random = new Random(seed);
        return this;
    }

    /** The batches of the next epoch: indices into the data set. */
    public List<List<Long>> batches() {
        List<Integer> order =
                IntStream.range(0, lengths.length).boxed().collect(Collectors.toCollection(ArrayList::new));
        if (random != null) {
            Collections.shuffle(order, random);
        }
        order.sort(Comparator.comparingInt(i -> lengths[i]));
        List<List<Long>> batches = new ArrayList<>();
        List<Long> batch = new ArrayList<>();
        for (int i : order) {
            if ((batch.size() + 1L) * lengths[i] > maxTokens) {
                batches.add(batch);
                batch = new ArrayList<>();
            }
            batch.add((long) i);
        }
        if (!batch.isEmpty()) {
            batches.add(batch);
        }
        if (random != null) {
            Collections.shuffle(batches, random);
        }
        return batches;
    }

    /** The tokens of its largest batch, padding included: what the peak of an epoch grows with. */
    public long mostTokens() {
        return batches().stream()
                .mapToLong(batch -> batch.size()
                        * batch.stream()
                                .mapToLong(i -> lengths[i.intValue()])
                                .max()
                                .orElse(0))
                .max()
                .orElse(0);
    }

    @Override
    public Iterator<List<Long>> sample(RandomAccessDataset dataset) {
        if (dataset.size() != lengths.length) {
            throw new IllegalArgumentException("the data set has " + dataset.size() + " samples, the sampler knows "
                    + lengths.length + " lengths: give one length for each sample.");
        }
        return batches().iterator();
    }

    /** The most samples a batch can hold: those of the shortest length. */
    @Override
    public int getBatchSize() {
        int shortest = Arrays.stream(lengths).min().orElse(1);
        return (int) Math.min(Math.max(1, lengths.length), maxTokens / shortest);
    }
}
