package io.headroom.allocator;

import static io.headroom.allocator.Blocks.ALLOCATED;
import static io.headroom.allocator.Blocks.EXPANDABLE;
import static io.headroom.allocator.Blocks.LARGE;
import static io.headroom.allocator.Blocks.NONE;
import static io.headroom.allocator.Blocks.PENDING;
import static io.headroom.allocator.Blocks.UNMAPPED;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/**
 * A stretch of device memory the allocator holds, cut into blocks: live, waiting for a stream, or free.
 *
 * <p>Of an expandable segment each mapped run is one, as in a PyTorch snapshot.
 *
 * @param address where it starts; {@code size} bytes long
 * @param stream the stream (dense index) it serves
 * @param large whether it belongs to the large pool
 * @param expandable whether it can grow
 */
public record Segment(long address, long size, int stream, boolean large, boolean expandable, List<Block> blocks) {
    /** In use, freed but read by another stream, or free. */
    public enum State {
        ACTIVE_ALLOCATED,
        ACTIVE_PENDING_FREE,
        INACTIVE
    }

    /**
     * One block.
     *
     * @param requested bytes asked for, 0 if free
     * @param allocation the id in the replayed trace, −1 if free or unknown
     */
    public record Block(long address, long size, long requested, State state, int allocation) {}

    public Segment {
        blocks = List.copyOf(blocks);
    }

    /** Bytes handed out. */
    public long allocated() {
        return blocks.stream()
                .filter(block -> block.state() == State.ACTIVE_ALLOCATED)
                .mapToLong(Block::size)
                .sum();
    }

    /** The largest free block in bytes, 0 if none. */
    public long largestHole() {
        return blocks.stream()
                .filter(block -> block.state() == State.INACTIVE)
                .mapToLong(Block::size)
                .max()
                .orElse(0);
    }

    /**
     * The blocks, or where there are more than {@code most} some {@code most} runs for drawing: neighbours in the same
     * state as one, with what is too small to see.
     */
    public List<Block> runs(int most) {
        if (blocks.size() <= most) {
            return blocks;
        }
        List<Block> runs = new ArrayList<>();
        long least = size / most;
        for (Block block : blocks) {
            Block last = runs.isEmpty() ? null : runs.get(runs.size() - 1);
            if (last != null && (last.state() == block.state() || block.size() < least)) {
                runs.set(runs.size() - 1, new Block(last.address(), last.size() + block.size(), 0, last.state(), -1));
            } else {
                runs.add(block);
            }
        }
        return runs;
    }

    static List<Segment> of(Blocks rows) {
        List<Segment> segments = new ArrayList<>();
        for (int head = 0; head < rows.rows(); head++) {
            if (!rows.exists(head) || rows.prev[head] != NONE) {
                continue;
            }
            List<Block> run = new ArrayList<>();
            for (int row = head; row != NONE; row = rows.next[row]) {
                if (rows.has(row, UNMAPPED)) {
                    close(segments, rows, head, run);
                    run = new ArrayList<>();
                } else {
                    run.add(block(rows, row));
                }
            }
            close(segments, rows, head, run);
        }
        segments.sort(Comparator.comparingLong(Segment::address));
        return segments;
    }

    private static void close(List<Segment> segments, Blocks rows, int head, List<Block> run) {
        if (!run.isEmpty()) {
            segments.add(new Segment(
                    run.get(0).address(),
                    run.stream().mapToLong(Block::size).sum(),
                    rows.stream[head],
                    rows.has(head, LARGE),
                    rows.has(head, EXPANDABLE),
                    run));
        }
    }

    private static Block block(Blocks rows, int row) {
        State state = rows.has(row, ALLOCATED)
                ? State.ACTIVE_ALLOCATED
                : rows.has(row, PENDING) ? State.ACTIVE_PENDING_FREE : State.INACTIVE;
        boolean free = state == State.INACTIVE;
        return new Block(
                rows.address[row], rows.size[row], free ? 0 : rows.requested[row], state, free ? -1 : rows.owner[row]);
    }
}
