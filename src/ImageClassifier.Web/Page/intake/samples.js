// Sample pictures for those who have none at hand. They are drawings of this project, free of rights of others.

const SAMPLES = ["banana.jpg", "ladybug.jpg", "school-bus.jpg", "stopwatch.jpg"];

/** @returns {Promise<File[]>} */
export async function sampleFiles() {
  return Promise.all(
    SAMPLES.map(async (name) => {
      const answer = await fetch(new URL(`samples/${name}`, document.baseURI));
      if (!answer.ok) throw new Error(`The service answered ${answer.status}.`);
      return new File([await answer.blob()], name, { type: "image/jpeg" });
    }),
  );
}
