package io.headroom.memory;

import io.headroom.units.Bytes;

/** What a monitor keeps of a manager with 1 500 shapes that grows: run it in a small heap. */
public final class ShapesMain {
    private ShapesMain() {}

    public static void main(String[] args) {
        Timeline timeline = new Timeline();
        LeakFinder finder = new LeakFinder();
        for (int i = 0; i < 2_000; i++) {
            Reading reading = Samples.reading(i, "", Bytes.GIB).with(Samples.shapes(1_500, i));
            timeline.add(reading);
            finder.add("step", i, reading);
        }
        System.gc();
        System.out.println("kept " + timeline.readings().size() + ", leaks "
                + finder.leaks().size() + ", live "
                + Bytes.format(Reading.now().jvm().heapLive().orElse(0)));
    }
}
