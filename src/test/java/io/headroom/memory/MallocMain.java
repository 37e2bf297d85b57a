package io.headroom.memory;

/** Prints what is known of malloc. */
public final class MallocMain {
    private MallocMain() {}

    public static void main(String[] args) {
        Reading reading = Reading.now();
        System.out.println("used " + reading.nativeHeap().used().isPresent() + ", trims "
                + NativeTrim.now().isPresent() + ", resident " + reading.rss().isPresent());
    }
}
