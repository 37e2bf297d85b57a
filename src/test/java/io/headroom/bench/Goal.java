package io.headroom.bench;

/** One row of a benchmark's table: what was measured, its goal, the figure, and whether it is met. */
final class Goal {
    private Goal() {}

    static void print(String what, String goal, String measured, boolean met) {
        System.out.printf("| %s | %s | %s | %s |%n", what, goal, measured, met ? "met" : "MISSED");
    }
}
