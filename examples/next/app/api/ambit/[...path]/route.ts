import { ambit } from '../../../../lib/ambit'

const answer = (request: Request): Promise<Response> => ambit.fetch(request)

export { answer as GET, answer as PATCH, answer as POST }
